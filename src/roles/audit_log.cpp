#include "roles/audit_log.hpp"

#include "base/log_limit.hpp"
#include "codec/text.hpp"
#include "store/posix_file.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace troupe {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t path_bytes_max = 4096;
constexpr std::chrono::seconds sync_interval{1};

bool changes(const http::access_record& r) {
  if (r.action == "write" || r.action == "delete") return true;
  return r.method != "GET" && r.method != "HEAD" && r.method != "OPTIONS" && r.method != "";
}

bool denied(int status) { return status == 401 || status == 403; }

// As it was sent, without the query; printable ASCII.
std::string path_of(std::string_view target) {
  std::string out;
  for (const char c : target.substr(0, std::min(target.find('?'), path_bytes_max))) {
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
  const auto text = [](std::string_view s) { return json::string{s.empty() ? std::string_view{"-"} : s}; };
  return json::serialize(json::object{{"time", format_iso8601(now)}, {"principal", text(r.principal)},
           {"method", text(path_of(r.method))}, {"operation", text(r.operation)}, {"action", text(r.action)},
           {"resource", text(path_of(r.target))}, {"host", text(path_of(r.host))}, {"remote", text(r.remote)},
           {"status", r.status}, {"outcome", outcome_of(r.status)}, {"request_id", text(r.id)}}) +
    "\n";
}

struct audit_log::impl {
  impl(const audit_settings& s, const wall_clock& c) : settings(s), clock(c) {}
  result<> open_file();
  void rotate();
  void write(const std::string& lines);
  void run();

  audit_settings settings;
  const wall_clock& clock;
  std::optional<descriptor> file; // always, but for what open_file() said
  int fd() const { return file ? file->get() : -1; }
  std::uint64_t bytes = 0; // in it
  log_limit complaints;

  mutable std::mutex mutex;
  std::condition_variable filled, drained;
  std::deque<std::string> waiting;
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

void audit_log::impl::write(const std::string& lines) {
  if (fd() < 0)
    if (auto ok = open_file(); !ok) { // a disk that was full for a while, for example
      if (complaints.allow(steady::now())) spdlog::error("{}; what should be in it is lost", ok.error().message);
      return;
    }
  std::string_view rest = lines;
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
    std::deque<std::string> taken;
    taken.swap(waiting);
    const auto lost_now = lost - std::exchange(lost_told, lost);
    lock.unlock();
    drained.notify_all();
    if (lost_now != 0) spdlog::error("the audit log: {} lines are lost, they came too fast", lost_now);
    std::string lines;
    for (const auto& line : taken) {
      lines += line;
      if (lines.size() < 65536) continue;
      write(std::exchange(lines, {}));
    }
    if (!lines.empty()) write(lines);
    dirty = dirty || !taken.empty();
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
  auto line = audit_line(r, i.clock.now());
  {
    std::unique_lock lock{i.mutex};
    if (i.settings.block) i.drained.wait(lock, [&] { return i.stopping || i.waiting.size() < lines_max; });
    if (i.waiting.size() >= lines_max) {
      ++i.lost;
      return;
    }
    i.waiting.push_back(std::move(line));
  }
  i.filled.notify_one();
}

std::uint64_t audit_log::lost() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->lost;
}

} // namespace troupe
