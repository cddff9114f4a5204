// raw_client: an HTTP client that sends exactly the bytes a test says, over a blocking socket to 127.0.0.1. Every wait
// has an end (10 s): a test that would hang fails.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::test {

struct answer {
  int status = 0;                             // 0: the connection ended before a whole head
  std::map<std::string, std::string> headers; // names in lower case
  std::string body;
  bool complete = false; // the body had its declared end
  std::string header(const std::string& name) const {
    auto i = headers.find(name);
    return i == headers.end() ? std::string{} : i->second;
  }
};

class raw_client {
public:
  enum class ended { regularly, by_reset };

  // receive_buffer: the kernel's, in bytes, for a client that reads slowly; 0 leaves the default.
  explicit raw_client(std::uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer != 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error{std::string{"connect: "} + std::strerror(errno)};
  }
  raw_client(raw_client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), received_(std::move(other.received_)) {}
  raw_client& operator=(raw_client&&) = delete;
  ~raw_client() {
    if (fd_ >= 0) ::close(fd_);
  }

  int descriptor() const { return fd_; }

  // False when the server has ended the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        if (errno == EAGAIN) throw std::runtime_error{"the server takes no more bytes"};
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void leave_with_reset() {
    linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(fd_, -1));
  }

  // The next response; head_only: to a HEAD request.
  answer read(bool head_only = false) {
    auto a = read_head();
    if (a.status == 0) return a;
    if (head_only || a.status == 100 || a.status == 204 || a.status == 304) {
      a.complete = true;
    } else if (a.headers.contains("content-length")) {
      auto n = std::stoull(a.header("content-length"));
      a.complete = fill(n);
      a.body = take(n);
    } else if (a.header("transfer-encoding") == "chunked") {
      a.complete = read_chunks(a.body);
    } else {
      while (receive()) {}
      a.body = take(received_.size());
      a.complete = end_ == ended::regularly;
    }
    return a;
  }
  answer exchange(std::string_view request, bool head_only = false) {
    send(request);
    return read(head_only);
  }
  answer read_head() {
    answer a;
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == received_.npos)
      if (!receive()) return a;
    auto head = take(end + 4);
    a.status = std::stoi(head.substr(9, 3));
    auto line = head.find("\r\n") + 2;
    while (line < head.size() - 2) {
      auto next = head.find("\r\n", line), colon = head.find(": ", line);
      auto name = head.substr(line, colon - line);
      for (auto& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      a.headers[name] = head.substr(colon + 2, next - colon - 2);
      line = next + 2;
    }
    return a;
  }
  // Reads and drops until the server ends the connection; says how it did.
  ended wait_end() {
    while (receive()) received_.clear();
    return end_;
  }
  // One read; false at the end of the connection.
  bool receive() {
    char buffer[65536];
    auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) {
      received_.append(buffer, static_cast<std::size_t>(n));
      return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      throw std::runtime_error{"the server sends nothing, and does not close"};
    end_ = n == 0 ? ended::regularly : ended::by_reset;
    return false;
  }

private:
  bool fill(std::size_t n) {
    while (received_.size() < n)
      if (!receive()) return false;
    return true;
  }
  std::string take(std::size_t n) {
    auto s = received_.substr(0, n);
    received_.erase(0, n);
    return s;
  }
  bool read_chunks(std::string& to) {
    for (;;) {
      std::size_t line = 0;
      while ((line = received_.find("\r\n")) == received_.npos)
        if (!receive()) return false;
      auto n = std::stoull(take(line + 2), nullptr, 16);
      bool whole = fill(n + 2);
      to += take(n);
      if (!whole) return false;
      take(2);
      if (n == 0) return true;
    }
  }

  int fd_ = -1;
  std::string received_;
  ended end_ = ended::regularly;
};

} // namespace troupe::test
