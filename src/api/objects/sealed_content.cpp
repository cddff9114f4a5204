#include "api/objects/sealed_content.hpp"

#include <algorithm>
#include <cstring>

namespace troupe {
namespace {

class opened_reader final : public object_reader {
public:
  opened_reader(std::unique_ptr<object_reader> frames, content_seal::cipher cipher, const content_seal::range& where,
    std::uint64_t length)
      : frames_(std::move(frames)),
        cipher_(std::move(cipher)),
        frame_(where.first_frame),
        skip_(where.skip),
        left_(length) {}

  http::task<result<chunk>> next() override {
    if (left_ == 0) co_return chunk{};
    const auto plain_bytes = cipher_.plain_bytes_of(frame_);
    auto sealed = co_await take(plain_bytes + content_seal::tag_bytes);
    if (!sealed) co_return sealed.error();
    result<> opened;
    auto plain = chunk::make(plain_bytes, [&](std::byte* to, std::size_t n) {
      opened = cipher_.open(frame_, *sealed, bytes_span{to, n});
    });
    if (!opened) co_return std::move(opened).error();
    ++frame_;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(plain_bytes - skip_, left_));
    auto wanted = plain.slice(skip_, n);
    skip_ = 0;
    left_ -= n;
    co_return wanted;
  }

private:
  // The next n bytes, in one piece; copied only where they do not come in one.
  http::task<result<chunk>> take(std::size_t n) {
    if (rest_.size() < n) {
      std::string gathered{rest_.text()};
      while (gathered.size() < n) {
        auto piece = co_await frames_->next();
        if (!piece) co_return piece.error();
        if (piece->empty())
          co_return fail(ec::corrupt, "encrypted content ends within frame " + std::to_string(frame_));
        gathered += piece->text();
      }
      rest_ = chunk::copy_of(std::string_view{gathered});
    }
    auto taken = rest_.slice(0, n);
    rest_ = rest_.slice(n, rest_.size() - n);
    co_return taken;
  }

  std::unique_ptr<object_reader> frames_;
  content_seal::cipher cipher_;
  std::uint64_t frame_;
  std::size_t skip_;
  std::uint64_t left_;
  chunk rest_;
};

class chained_reader final : public object_reader {
public:
  explicit chained_reader(std::vector<std::unique_ptr<object_reader>> readers) : readers_(std::move(readers)) {}
  http::task<result<chunk>> next() override {
    for (; at_ < readers_.size(); ++at_) {
      auto piece = co_await readers_[at_]->next();
      if (!piece || !piece->empty()) co_return piece;
      readers_[at_].reset();
    }
    co_return chunk{};
  }

private:
  std::vector<std::unique_ptr<object_reader>> readers_;
  std::size_t at_ = 0;
};

} // namespace

sealing_source::sealing_source(
  http::body_source& from, std::uint64_t plain_bytes, const data_key& key, bytes_view salt, checksum_set wanted)
    : from_(from),
      cipher_(key, salt, plain_bytes),
      checksums_(wanted),
      plain_(std::min<std::uint64_t>(plain_bytes, content_seal::frame_bytes)),
      frame_(plain_.size() + content_seal::tag_bytes) {}

http::task<bool> sealing_source::next_frame() {
  const bytes_span plain{plain_.data(), cipher_.plain_bytes_of(next_)};
  if (co_await http::read_full(from_, plain) != plain.size()) co_return false;
  md5_.add(plain);
  checksums_.add(plain);
  if (auto ok = cipher_.seal(next_, plain, frame_); !ok) throw http::api_error{ok.error().code, ok.error().message};
  ++next_;
  at_ = 0;
  end_ = plain.size() + content_seal::tag_bytes;
  co_return true;
}

http::task<std::size_t> sealing_source::read(bytes_span dst) {
  if (dst.empty()) co_return 0;
  if (at_ == end_) {
    if (next_ == cipher_.frames()) co_return co_await from_.read(dst); // its end, and a decoder's look at its trailers
    const bool more = co_await next_frame();
    if (!more) co_return 0; // the caller misses bytes, and says so
  }
  const auto n = std::min(dst.size(), end_ - at_);
  std::memcpy(dst.data(), frame_.data() + at_, n);
  at_ += n;
  co_return n;
}

std::unique_ptr<object_reader> open_frames(std::unique_ptr<object_reader> frames, content_seal::cipher cipher,
  const content_seal::range& where, std::uint64_t length) {
  return std::make_unique<opened_reader>(std::move(frames), std::move(cipher), where, length);
}

result<std::string> open_text(
  const data_key& key, std::string_view salt, std::uint64_t plain_bytes, std::string_view sealed) {
  content_seal::cipher cipher{key, as_bytes(salt), plain_bytes};
  if (sealed.size() != content_seal::sealed_bytes(plain_bytes))
    return fail(ec::corrupt, "encrypted content of " + std::to_string(plain_bytes) + " bytes has another length");
  std::string plain(plain_bytes, '\0');
  for (std::uint64_t i = 0; i < cipher.frames(); ++i) {
    const auto n = cipher.plain_bytes_of(i);
    const bytes_span to{reinterpret_cast<std::byte*>(plain.data()) + i * content_seal::frame_bytes, n};
    TROUPE_TRY(cipher.open(i, as_bytes(sealed.substr(0, n + content_seal::tag_bytes)), to));
    sealed.remove_prefix(n + content_seal::tag_bytes);
  }
  return plain;
}

std::unique_ptr<object_reader> chain(std::vector<std::unique_ptr<object_reader>> readers) {
  return std::make_unique<chained_reader>(std::move(readers));
}

} // namespace troupe
