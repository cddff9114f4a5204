#include "roles/audit_log.hpp"

#include "base/log_limit.hpp"
#include "codec/text.hpp"
#include "store/posix_file.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace troupe {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t path_bytes_max = 4096;
constexpr std::chrono::seconds sync_interval{1};
// A line waits this long for others, or until this much waits: to wake the thread for each costs a request a tenth more CPU.
constexpr std::chrono::milliseconds gather_interval{20};
constexpr std::size_t gathered_bytes = 65536;

bool changes(const http::access_record& r) {
  if (r.action == "write" || r.action == "delete") return true;
  if (r.method == "RPC") return r.action == "admin"; // gRPC's method says nothing
  return r.method != "GET" && r.method != "HEAD" && r.method != "OPTIONS" && r.method != "";
}

bool denied(int status) { return status == 401 || status == 403; }

// As it was sent, without the query; printable ASCII.
std::string path_of(std::string_view target) {
  target = target.substr(0, std::min(target.find('?'), path_bytes_max));
  std::string out;
  out.reserve(target.size());
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f) {
      out += c;
    } else {
      char text[4];
      std::snprintf(text, sizeof text, "%%%02X", byte);
      out += text;
    }
  }
  return out;
}

const char* outcome_of(int status) {
  if (denied(status)) return "denied";
  if (status == 499) return "unknown"; // the client left before it was told
  return status < 400 ? "done" : "failed";
}

error failed(const char* what, const std::string& path) {
  return fail(ec::io_error, std::string{"the audit log: cannot "} + what + " " + path + ": " + std::strerror(errno));
}

} // namespace

bool is_audited(const http::access_record& r, bool reads) {
  if (r.operation == "Probe") return false;
  return reads || denied(r.status) || changes(r);
}

std::string audit_line(const http::access_record& r, unix_ms now) {
  namespace json = boost::json;
  std::array<unsigned char, 4096> room; // on the stack, for most lines
  json::monotonic_resource memory{room.data(), room.size()};
  const auto text = [](std::string_view s) { return s.empty() ? std::string_view{"-"} : s; };
  json::object line{&memory};
  line.reserve(11);
  line.emplace("time", format_iso8601(now));
  line.emplace("principal", text(r.principal));
  line.emplace("method", text(path_of(r.method)));
  line.emplace("operation", text(r.operation));
  line.emplace("action", text(r.action));
  line.emplace("resource", text(path_of(r.resource.empty() ? r.target : r.resource)));
  line.emplace("host", text(path_of(r.host)));
  line.emplace("remote", text(r.remote));
  line.emplace("status", r.status);
  line.emplace("outcome", outcome_of(r.status));
  line.emplace("request_id", text(r.id));
  return json::serialize(line) + "\n";
}

struct audit_log::impl {
  impl(const audit_settings& s, const wall_clock& c) : settings(s), clock(c) {}
  result<> open_file();
  void rotate();
  void write(std::string_view lines);
  void run();

  audit_settings settings;
  const wall_clock& clock;
  std::optional<descriptor> file; // always, but for what open_file() said
  int fd() const { return file ? file->get() : -1; }
  std::uint64_t bytes = 0; // in it
  log_limit complaints;

  mutable std::mutex mutex;
  std::condition_variable filled, drained;
  std::string waiting; // lines
  std::size_t waiting_lines = 0;
  std::uint64_t lost = 0, lost_told = 0;
  bool stopping = false;
  std::thread thread;
};

result<> audit_log::impl::open_file() {
  file.emplace(::open(settings.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (fd() < 0) return failed("open", settings.file);
  struct stat about {};
  if (::fstat(fd(), &about) != 0 || !S_ISREG(about.st_mode))
    return fail(ec::io_error, "the audit log: " + settings.file + " is not a file");
  bytes = static_cast<std::uint64_t>(about.st_size);
  return {};
}

void audit_log::impl::rotate() {
  ::fdatasync(fd());
  const auto name = [&](std::uint32_t n) { return n == 0 ? settings.file : settings.file + "." + std::to_string(n); };
  if (settings.keep == 0) ::unlink(settings.file.c_str());
  for (auto n = settings.keep; n > 0; --n) ::rename(name(n - 1).c_str(), name(n).c_str()); // over the oldest
  if (auto ok = open_file(); !ok && complaints.allow(steady::now())) spdlog::error("{}", ok.error().message);
}

void audit_log::impl::write(std::string_view rest) {
  if (fd() < 0)
    if (auto ok = open_file(); !ok) { // a disk that was full for a while, for example
      if (complaints.allow(steady::now())) spdlog::error("{}; what should be in it is lost", ok.error().message);
      return;
    }
  while (!rest.empty()) {
    const auto n = ::write(fd(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (complaints.allow(steady::now())) spdlog::error("{}", failed("write to", settings.file).message);
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
    bytes += static_cast<std::uint64_t>(n);
  }
  if (bytes >= settings.bytes_max) rotate();
}

void audit_log::impl::run() {
  auto synced = steady::now();
  bool dirty = false;
  std::unique_lock lock{mutex};
  for (;;) {
    const auto something = [&] { return stopping || !waiting.empty(); };
    if (dirty)
      filled.wait_until(lock, synced + sync_interval, something);
    else
      filled.wait(lock, something);
    if (waiting.empty() && stopping) break;
    if (!waiting.empty())
      filled.wait_for(lock, gather_interval, [&] { return stopping || waiting.size() >= gathered_bytes; });
    const auto lines = std::exchange(waiting, {});
    waiting_lines = 0;
    const auto lost_now = lost - std::exchange(lost_told, lost);
    lock.unlock();
    drained.notify_all();
    if (lost_now != 0) spdlog::error("the audit log: {} lines are lost, they came too fast", lost_now);
    for (std::string_view rest{lines}; !rest.empty();) { // by whole lines, so that no file grows far beyond its bound
      const auto n = rest.size() <= gathered_bytes ? rest.size() : rest.find('\n', gathered_bytes) + 1;
      write(rest.substr(0, n));
      rest.remove_prefix(n);
    }
    dirty = dirty || !lines.empty();
    if (dirty && steady::now() - synced >= sync_interval) {
      ::fdatasync(fd());
      synced = steady::now();
      dirty = false;
    }
    lock.lock();
  }
  ::fdatasync(fd());
}

audit_log::audit_log(std::unique_ptr<impl> i) : impl_(std::move(i)) {
  impl_->thread = std::thread{[self = impl_.get()] { self->run(); }};
}

audit_log::~audit_log() {
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->stopping = true;
  }
  impl_->filled.notify_all();
  impl_->drained.notify_all();
  impl_->thread.join();
}

result<std::unique_ptr<audit_log>> audit_log::open(const audit_settings& s, const wall_clock& clock) {
  auto i = std::make_unique<impl>(s, clock);
  TROUPE_TRY(i->open_file());
  return std::unique_ptr<audit_log>{new audit_log{std::move(i)}};
}

void audit_log::add(const http::access_record& r) {
  auto& i = *impl_;
  if (!is_audited(r, i.settings.reads)) return;
  const auto line = audit_line(r, i.clock.now());
  bool wake = false;
  {
    std::unique_lock lock{i.mutex};
    if (i.settings.block) i.drained.wait(lock, [&] { return i.stopping || i.waiting_lines < lines_max; });
    if (i.waiting_lines >= lines_max) {
      ++i.lost;
      return;
    }
    const auto before = i.waiting.size();
    i.waiting += line;
    ++i.waiting_lines;
    wake = before == 0 || (before < gathered_bytes && i.waiting.size() >= gathered_bytes);
  }
  if (wake) i.filled.notify_one();
}

std::uint64_t audit_log::lost() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->lost;
}

} // namespace troupe
