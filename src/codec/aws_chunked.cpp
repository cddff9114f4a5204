#include "codec/aws_chunked.hpp"

#include "codec/text.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {
namespace {

constexpr std::string_view trailer_signature = "x-amz-trailer-signature";

error bad_framing(std::string_view why) { return fail(ec::invalid_request, "aws-chunked body: " + std::string{why}); }

bool token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
    std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

} // namespace

std::optional<aws_chunked_decoder::mode> aws_chunked_decoder::mode_named(std::string_view name) noexcept {
  if (name == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") return signed_payload;
  if (name == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") return signed_payload_trailer;
  if (name == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return unsigned_payload_trailer;
  return std::nullopt;
}

aws_chunked_decoder::aws_chunked_decoder(mode m, std::optional<std::uint64_t> decoded_length, signing s, limits l)
    : mode_(m),
      decoded_length_(decoded_length),
      signing_(std::move(s)),
      limits_(l),
      previous_(signing_.seed_signature) {}

result<std::size_t> aws_chunked_decoder::decode(bytes_span wire) {
  if (state_ == state::failed) return fail(ec::invalid_request, "aws-chunked body: already refused");
  auto n = step(wire);
  if (!n) state_ = state::failed;
  return n;
}

result<std::size_t> aws_chunked_decoder::step(bytes_span wire) {
  std::size_t in = 0, out = 0;
  while (in < wire.size()) {
    switch (state_) {
    case state::head: {
      auto whole = take_line(wire, in);
      if (!whole) return std::move(whole).error();
      if (*whole) TROUPE_TRY(open_chunk());
      break;
    }
    case state::data: {
      auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, wire.size() - in));
      if (is_signed()) hash_.add(wire.subspan(in, n));
      if (out != in) std::memmove(wire.data() + out, wire.data() + in, n);
      in += n;
      out += n;
      left_ -= n;
      decoded_ += n;
      if (left_ == 0) state_ = state::data_cr;
      break;
    }
    case state::data_cr:
      if (wire[in++] != std::byte{'\r'}) return bad_framing("no CRLF after a chunk's data");
      state_ = state::data_lf;
      break;
    case state::data_lf:
      if (wire[in++] != std::byte{'\n'}) return bad_framing("no CRLF after a chunk's data");
      TROUPE_TRY(close_chunk());
      state_ = state::head;
      break;
    case state::trailer: {
      auto whole = take_line(wire, in);
      if (!whole) return std::move(whole).error();
      if (*whole) TROUPE_TRY(take_trailer());
      break;
    }
    case state::done:
    case state::failed: return bad_framing("bytes after its end");
    }
  }
  return out;
}

// Collects one line into line_, without its end; true when it is whole.
result<bool> aws_chunked_decoder::take_line(bytes_span wire, std::size_t& at) {
  if (line_whole_) line_.clear();
  line_whole_ = false;
  auto rest = as_text(wire.subspan(at));
  auto lf = rest.find('\n');
  auto text = rest.substr(0, lf);
  if (line_.size() + text.size() > limits_.line_bytes) return bad_framing("a line is too long");
  line_ += text;
  at += text.size();
  if (lf == rest.npos) return false;
  ++at;
  line_whole_ = true;
  line_bare_lf_ = !line_.ends_with('\r');
  if (!line_bare_lf_)
    line_.pop_back();
  else if (state_ != state::trailer)
    return bad_framing("a chunk's head ends in a bare LF");
  return true;
}

result<> aws_chunked_decoder::open_chunk() {
  std::string_view line = line_;
  std::uint64_t size = 0;
  auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (code != std::errc{} || size > limits_.chunk_bytes)
    return bad_framing("a chunk's size is not a number or too large");
  auto extension = line.substr(static_cast<std::size_t>(end - line.data()));
  if (is_signed()) {
    constexpr std::string_view name = ";chunk-signature=";
    if (!extension.starts_with(name) || extension.size() != name.size() + 64)
      return bad_framing("a chunk has no signature");
    claimed_ = extension.substr(name.size());
  } else if (!extension.empty() && extension.front() != ';') {
    return bad_framing("a chunk's size is not a number");
  }
  if (decoded_length_ && size > *decoded_length_ - decoded_)
    return fail(ec::incomplete_body, "aws-chunked body: more data than x-amz-decoded-content-length says");
  left_ = size;
  state_ = state::data;
  if (size != 0) return {};
  TROUPE_TRY(close_chunk());
  state_ = state::trailer;
  return {};
}

result<> aws_chunked_decoder::close_chunk() {
  if (!is_signed()) return {};
  static constexpr std::string_view of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  return check_signature("AWS4-HMAC-SHA256-PAYLOAD", std::string{of_nothing} + "\n" + hex_encode(hash_.finish()));
}

result<> aws_chunked_decoder::take_trailer() {
  if (line_.empty()) {
    // minio-go ends the trailers with "\n\r\n" and then goes on: with its signature, or with the last CRLF.
    if (forgive_empty_ && !line_bare_lf_) {
      forgive_empty_ = false;
      return {};
    }
    return finish();
  }
  forgive_empty_ = line_bare_lf_;
  auto malformed = [](std::string_view why) {
    return fail(ec::malformed_trailer, "aws-chunked body: " + std::string{why});
  };
  if (mode_ == signed_payload) return malformed("trailers where none were announced");
  auto colon = line_.find(':');
  if (colon == line_.npos || colon == 0) return malformed("a trailer without a name");
  auto name = line_.substr(0, colon);
  for (auto& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!token_char(c)) return malformed("a trailer's name is not a token");
  }
  std::string_view value = std::string_view{line_}.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  if (value.find('\r') != value.npos || value.find('\0') != value.npos)
    return malformed("a trailer's value has a control character");
  if (trailers_.size() >= limits_.trailers) return malformed("too many trailers");
  trailers_.emplace_back(std::move(name), value);
  return {};
}

result<> aws_chunked_decoder::finish() {
  if (mode_ == signed_payload_trailer) {
    std::string canonical;
    claimed_.clear();
    for (auto& [name, value] : trailers_) {
      if (name == trailer_signature)
        claimed_ = value;
      else
        (((canonical += name) += ':') += value) += '\n';
    }
    TROUPE_TRY(check_signature("AWS4-HMAC-SHA256-TRAILER", hex_encode(sha256(as_bytes(canonical)))));
  }
  std::erase_if(trailers_, [](auto& t) { return t.first == trailer_signature; });
  state_ = state::done;
  return {};
}

result<> aws_chunked_decoder::check_signature(std::string_view kind, std::string_view hashes) {
  std::string text{kind};
  ((text += '\n') += signing_.amz_date) += '\n';
  ((text += signing_.scope) += '\n') += previous_;
  (text += '\n') += hashes;
  previous_ = hex_encode(hmac_sha256(signing_.key, as_bytes(text)));
  if (!equal_constant_time(previous_, claimed_))
    return fail(
      ec::signature_does_not_match, "aws-chunked body: the signature of a chunk or of the trailers does not match");
  return {};
}

result<> aws_chunked_decoder::end() {
  if (state_ == state::failed) return fail(ec::invalid_request, "aws-chunked body: already refused");
  if (state_ == state::trailer && line_whole_) {
    if (auto finished_now = finish(); !finished_now) {
      state_ = state::failed;
      return finished_now;
    }
  }
  if (state_ != state::done) return fail(ec::incomplete_body, "aws-chunked body: it ends before its last chunk");
  if (decoded_length_ && decoded_ != *decoded_length_)
    return fail(ec::incomplete_body, "aws-chunked body: less data than x-amz-decoded-content-length says");
  return {};
}

} // namespace troupe
