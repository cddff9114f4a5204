// fake_s3: an S3 endpoint in this process for tests of transfers: objects in memory, a thread a connection, and faults
// on demand. Checks CRC64NVME headers and If-Match as S3 does; knows nothing of signatures.
#pragma once

#include "codec/checksum.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace troupe::test {

class fake_s3 {
public:
  struct request {
    std::string method;
    uri target;
    std::map<std::string, std::string> headers; // names in lower case
    std::string body;
    std::string raw_target;
    bool has(const char* query) const { return target.q(query) != nullptr; }
  };
  // What happens to a request instead of, or around, the right thing.
  enum class fault { none, slow_down, internal_error, drop, drop_after_acting, cut_body, flip_a_byte };
  std::function<fault(const request&)> inject; // called under the lock; before() sees requests in order
  std::function<void(const request&)> before;

  fake_s3() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 64) != 0) std::abort();
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this] { accept_all(); }};
  }
  ~fake_s3() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    {
      const std::lock_guard lock{guard};
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    for (auto& t : crew_) t.join();
  }

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::mutex guard;                           // what follows is read by tests after the transfer, or under it
  std::map<std::string, std::string> objects; // "/bucket/key" -> content
  std::map<std::string, std::map<unsigned, std::string>> uploads;
  std::vector<std::string> log; // "PUT /b/k"
  std::string full_checksum;    // of the last completed upload, as the client claimed it

private:
  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock{guard};
      open_.push_back(fd);
      crew_.emplace_back([this, fd] { serve(fd); });
    }
  }

  static bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  static bool receive(int fd, std::string& buffer) {
    char piece[65536];
    const auto n = recv(fd, piece, sizeof piece, 0);
    if (n > 0) buffer.append(piece, static_cast<std::size_t>(n));
    return n > 0;
  }

  void serve(int fd) {
    std::string buffer;
    for (bool more = true; more;) {
      request r;
      std::size_t end = 0;
      while ((end = buffer.find("\r\n\r\n")) == buffer.npos)
        if (!receive(fd, buffer)) return finish(fd);
      parse(buffer.substr(0, end + 2), r);
      buffer.erase(0, end + 4);
      if (r.headers.contains("expect")) send_all(fd, "HTTP/1.1 100 Continue\r\n\r\n");
      const auto length = r.headers.contains("content-length") ? std::stoull(r.headers["content-length"]) : 0;
      while (buffer.size() < length)
        if (!receive(fd, buffer)) return finish(fd);
      r.body = buffer.substr(0, length);
      buffer.erase(0, length);
      more = answer(fd, r);
    }
    finish(fd);
  }

  void finish(int fd) {
    const std::lock_guard lock{guard};
    std::erase(open_, fd);
    close(fd);
  }

  static void parse(const std::string& head, request& r) {
    std::size_t at = head.find("\r\n");
    const auto line = head.substr(0, at);
    r.method = line.substr(0, line.find(' '));
    r.raw_target = line.substr(r.method.size() + 1, line.rfind(' ') - r.method.size() - 1);
    if (!r.target.parse(r.raw_target)) std::abort();
    for (at += 2; at < head.size();) {
      const auto stop = head.find("\r\n", at);
      const auto field = head.substr(at, stop - at);
      auto name = field.substr(0, field.find(':'));
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      r.headers[name] = field.substr(field.find(':') + 2);
      at = stop + 2;
    }
  }

  struct reply {
    int status = 200;
    std::string headers;
    std::string body;
  };
  static reply error_reply(int status, const std::string& code) {
    return {
      status, "", "<Error><Code>" + code + "</Code><Message>said the fake</Message><RequestId>r1</RequestId></Error>"};
  }
  static std::string quoted_md5(const std::string& content) {
    return '"' + hex_encode(bytes_view{md5(as_bytes(content))}) + '"';
  }
  static std::string crc_text(const std::string& content) {
    checksum_set wanted;
    wanted.add(checksum_kind::crc64nvme);
    checksum_state state{wanted};
    state.add(as_bytes(content));
    return base64_encode(state.finish().get(checksum_kind::crc64nvme));
  }

  reply act(request& r) {
    const auto path = r.target.path;
    if (const auto sum = r.headers.find("x-amz-checksum-crc64nvme");
        sum != r.headers.end() && r.method == "PUT" && sum->second != crc_text(r.body))
      return error_reply(400, "BadDigest");
    if (r.method == "POST" && r.has("uploads")) {
      const auto id = "u" + std::to_string(++made_);
      uploads[id];
      return {
        200, "", "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>"};
    }
    if (const auto* id = r.target.q("uploadId")) {
      if (!uploads.contains(*id)) return error_reply(404, "NoSuchUpload");
      auto& parts = uploads[*id];
      if (r.method == "DELETE") {
        uploads.erase(*id);
        return {204, "", ""};
      }
      if (r.method == "PUT") {
        parts[static_cast<unsigned>(std::stoul(*r.target.q("partNumber")))] = r.body;
        return {200, "ETag: " + quoted_md5(r.body) + "\r\n", ""};
      }
      std::string whole;
      for (const auto& [number, content] : parts) whole += content;
      full_checksum = r.headers["x-amz-checksum-crc64nvme"];
      if (full_checksum != crc_text(whole)) return error_reply(400, "BadDigest");
      objects[path] = whole;
      uploads.erase(*id);
      return {200, "", "<CompleteMultipartUploadResult><ETag>\"e-1\"</ETag></CompleteMultipartUploadResult>"};
    }
    if (r.method == "PUT") {
      objects[path] = r.body;
      return {200, "ETag: " + quoted_md5(r.body) + "\r\n", ""};
    }
    const auto found = objects.find(path);
    if (found == objects.end()) return error_reply(404, "NoSuchKey");
    const auto etag = quoted_md5(found->second);
    if (const auto match = r.headers.find("if-match"); match != r.headers.end() && match->second != etag)
      return error_reply(412, "PreconditionFailed");
    auto headers = "ETag: " + etag + "\r\nx-amz-checksum-crc64nvme: " + crc_text(found->second) + "\r\n";
    const auto range = r.headers.find("range");
    if (range == r.headers.end()) return {200, headers, found->second};
    const auto first = std::stoull(range->second.substr(6));
    const auto last = std::stoull(range->second.substr(range->second.find('-') + 1));
    headers += "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
      std::to_string(found->second.size()) + "\r\n";
    return {206, headers, found->second.substr(first, last - first + 1)};
  }

  bool answer(int fd, request& r) {
    reply a;
    auto wrong = fault::none;
    {
      const std::lock_guard lock{guard};
      log.push_back(r.method + ' ' + r.raw_target);
      if (before) before(r);
      if (inject) wrong = inject(r);
      if (wrong == fault::drop) return false;
      a = wrong == fault::slow_down      ? error_reply(503, "SlowDown")
        : wrong == fault::internal_error ? error_reply(500, "InternalError")
                                         : act(r);
    }
    if (wrong == fault::drop_after_acting) return false;
    if (wrong == fault::flip_a_byte && !a.body.empty())
      a.body[a.body.size() / 2] = static_cast<char>(a.body[a.body.size() / 2] ^ 1);
    auto head = "HTTP/1.1 " + std::to_string(a.status) + " X\r\nContent-Length: " + std::to_string(a.body.size()) +
      "\r\n" + a.headers + "\r\n";
    if (r.method == "HEAD") a.body.clear();
    if (wrong == fault::cut_body) {
      send_all(fd, head + a.body.substr(0, a.body.size() / 2));
      return false;
    }
    return send_all(fd, head + a.body);
  }

  int listener_ = -1;
  std::uint16_t port_ = 0;
  unsigned made_ = 0;
  std::vector<int> open_;
  std::vector<std::thread> crew_;
  std::thread acceptor_;
};

} // namespace troupe::test
