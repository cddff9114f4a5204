// `troupe admin watch`: what happens in the cluster, line by line, until it is interrupted.
#include "cli/admin.hpp"
#include "cli/admin_text.hpp"

#include <boost/json/parse.hpp>
#include <CLI/CLI.hpp>

#include <cstdio>

namespace troupe::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t line_bytes_max = 65'536;

struct watch_flags : admin_flags {
  std::optional<std::uint64_t> since;
  std::uint64_t count = 0; // 0: no end
};

// Cuts what comes into lines, and shows them.
class event_sink final : public response_sink {
public:
  event_sink(bool as_json, std::uint64_t count) : json_(as_json), count_(count) {}
  bool enough() const { return count_ != 0 && events_ >= count_; }

  result<> begin(const s3_response&) override { return {}; }
  result<> write(bytes_view bytes) override {
    rest_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
      TROUPE_TRY(show(rest_.substr(0, end)));
      rest_.erase(0, end + 1);
    }
    if (rest_.size() > line_bytes_max) return fail(ec::bad_request, "the console sends lines that are too long");
    return {};
  }

private:
  result<> show(const std::string& line) {
    json::error_code bad;
    auto value = json::parse(line, bad);
    if (bad || !value.is_object()) return fail(ec::bad_request, "the console sends what is no JSON object");
    auto text = json_ ? line : event_line(value.get_object());
    if (!text.empty()) print_line(text);
    std::fflush(stdout); // whoever reads a pipe waits for it
    TROUPE_TRY(check_stdout());
    if (value.get_object().contains("number")) ++events_;
    if (enough()) return fail(ec::closed, "enough");
    return {};
  }

  bool json_;
  std::uint64_t count_, events_ = 0;
  std::string rest_;
};

result<> watch(session& s, const watch_flags& flags) {
  name_values query;
  if (flags.since) query.emplace_back("since", std::to_string(*flags.since));
  event_sink sink{s.json, flags.count};
  auto ended = admin_stream(s, "events", std::move(query), sink);
  if (s.signals.signal() != 0 || sink.enough()) return {}; // its normal end
  if (!ended) return ended.error();
  return fail(ec::unavailable, "the console ended the stream: the node stops");
}

} // namespace

void add_watch_command(CLI::App& admin, command& chosen) {
  const auto flags = std::make_shared<watch_flags>();
  auto* const added =
    add_admin_command(admin, "watch", "What happens: members, map, leader, healing, damage, faults", *flags);
  added->add_option("--since", flags->since, "Begin after this event of the asked node; 0: all that it remembers")
    ->type_name("N");
  added->add_option("--count", flags->count, "End after so many events")->type_name("N");
  added->footer("As the asked node sees it, until Ctrl-C. With --json each line is an object; a heartbeat comes every "
                "five seconds.\n\nExamples:\n  troupe admin watch\n  troupe admin watch --since 0 --json");
  added->callback([flags, &chosen] {
    chosen = [flags] { return run_admin(*flags, "watch", [&](session& s) { return watch(s, *flags); }); };
  });
}

} // namespace troupe::cli
