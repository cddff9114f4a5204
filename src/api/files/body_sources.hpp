// body_sources: what an upload reads its content from: the request's body as it is, the file in a form, bytes in memory, and
// a hash over what passes by.
#pragma once

#include "api/http/body.hpp"
#include "codec/digest.hpp"
#include "codec/multipart_form.hpp"

#include <cstdint>
#include <string>

namespace troupe::files {

class memory_source final : public http::body_source {
public:
  explicit memory_source(std::string content) : content_(std::move(content)) {}
  http::task<std::size_t> read(bytes_span dst) override;

private:
  std::string content_;
  std::size_t at_ = 0;
};

// First what was read from a body already, then the rest of it.
class prefixed_source final : public http::body_source {
public:
  prefixed_source(std::string prefix, http::body_source& rest) : prefix_(std::move(prefix)), rest_(rest) {}
  http::task<std::size_t> read(bytes_span dst) override;

private:
  memory_source prefix_;
  http::body_source& rest_;
};

// SHA-256 over all that is read.
class hashing_source final : public http::body_source {
public:
  explicit hashing_source(http::body_source& from) : from_(from) {}
  http::task<std::size_t> read(bytes_span dst) override;
  std::string digest() { return hash_.finish(); } // raw; once

private:
  http::body_source& from_;
  troupe::digest hash_{digest_kind::sha256};
};

// The file of a multipart/form-data body whose whole length is known. The file has to be the last field.
class form_source final : public http::body_source {
public:
  form_source(http::body_source& wire, std::string boundary, std::uint64_t body_bytes)
      : wire_(wire), boundary_(std::move(boundary)), end_(form_end(boundary_)), body_bytes_(body_bytes) {}

  // Reads up to the file's content: comes before anything else. Throws ec::bad_request.
  http::task<> begin();
  const form_head& head() const { return head_; }
  std::uint64_t size() const { return size_; } // of the file
  // Throws ec::bad_request when something follows the file.
  http::task<std::size_t> read(bytes_span dst) override;

private:
  http::task<> read_end();
  void search(bytes_view content);

  http::body_source& wire_;
  std::string boundary_, end_;
  std::uint64_t body_bytes_, size_ = 0, left_ = 0;
  form_head head_;
  std::string early_; // of the content, read with the head
  std::string seam_;  // the last bytes of the content, as a delimiter may begin with
  bool ended_ = false;
};

} // namespace troupe::files
