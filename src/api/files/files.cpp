#include "api/files/files.hpp"

#include "api/admin/console.hpp"
#include "api/files/call.hpp"

#include <array>
#include <charconv>

namespace troupe::files {

namespace {

using identity::action;

// The id is made by the handler: what a policy says of all ids counts.
void create_file(const call& c) { c.from.require(action::write, bucket_name); }
template <action A>
void file(const call& c) {
  c.from.require(A, bucket_name, c.parameters.at("id"));
}
void names(const call& c) { c.from.require(action::list, bucket_name); }
void administrate(const call& c) { c.from.require(action::admin, bucket_name); }

using route = surface_route<call>;
constexpr std::array routes{
  route{"GET", "/health", "Probe", on_health, open_to_all},
  route{"GET", "/ready", "Probe", on_ready, open_to_all},
  route{"POST", "/files", "FileUpload", on_upload, create_file},
  route{"GET", "/files", "FileList", on_list, names},
  route{"PUT", "/files/{id}", "FileUpdate", on_update, file<action::write>},
  route{"GET", "/files/{id}", "FileDownload", on_download, file<action::read>},
  route{"DELETE", "/files/{id}", "FileDelete", on_delete, file<action::remove>},
  route{"GET", "/admin/replicas", "FileReplicas", on_replicas, administrate},
  route{"GET", "/admin/replicas/{id}", "FileReplicas", on_replica, administrate},
  route{"GET", "/admin/wal", "FileWal", on_wal, administrate},
  route{"GET", "/admin/wal/{segment}", "FileWalSegment", on_segment, administrate},
  route{"POST", "/admin/wal/rotate", "FileWalRotate", on_rotate, administrate},
  route{"POST", "/admin/wal/verify", "FileWalVerify", on_verify, administrate},
  route{"POST", "/admin/wal/replay", "FileWalReplay", on_replay, administrate},
};

} // namespace

std::uint64_t call::number(std::string_view name, std::uint64_t otherwise, std::uint64_t min, std::uint64_t max) const {
  const auto text = query(name);
  if (text.empty()) return otherwise;
  std::uint64_t n = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (e != std::errc{} || end != text.data() + text.size() || n < min || n > max)
    throw http::api_error{
      ec::bad_argument, std::string{name} + "= is a number from " + std::to_string(min) + " to " + std::to_string(max)};
  return n;
}

void throw_no_file(const std::string& id) { throw http::api_error{ec::no_such_key, "there is no file " + id}; }

const std::string& call::file_id() const {
  const auto& id = parameters.at("id");
  if (!is_file_id(id)) throw http::api_error{ec::no_such_key, "no file has such an id: 32 hexadecimal digits"};
  return id;
}

http::task<stored_object> look_at(call& c, std::string id, bool with_content) {
  auto found = co_await c.store.get(std::string{bucket_name}, id, with_content);
  if (!found && (found.error().code == ec::no_such_key || found.error().code == ec::no_such_bucket)) throw_no_file(id);
  co_return must(std::move(found));
}

http::handler make_handler(surface_context context) {
  entrance door{*context.identity, {}};
  return surface_handler(std::make_shared<shared_state>(std::move(context)), routes, std::move(door));
}

std::string render_error(
  const http::request* rq, const error& e, int& status, std::string_view request_id, std::string& content_type) {
  return console::render_error(rq, e, status, request_id, content_type);
}

} // namespace troupe::files
