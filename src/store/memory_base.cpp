// memory_base: a state_base for simulations. apply() is atomic and counts as durable at once. A cursor keeps the rows
// it began with: apply() copies them only while one is open. Thread safe.

#include "store/state.hpp"

#include "codec/checksum.hpp"

#include <map>
#include <mutex>

namespace troupe {

namespace {

using rows_map = std::map<std::string, std::string, std::less<>>;

// position, then each key and value: eight bytes of length (little endian) and the bytes.
void write_text(std::string& out, std::string_view text) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>((text.size() >> shift) & 0xff);
  out += text;
}
result<std::string> read_text(std::string_view& in) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < 8 && i < in.size(); ++i) n |= std::uint64_t{static_cast<unsigned char>(in[i])} << (8 * i);
  if (in.size() < 8 || n > in.size() - 8) return fail(ec::corrupt, "a copy of a state ends early");
  std::string text{in.substr(8, static_cast<std::size_t>(n))};
  in.remove_prefix(8 + static_cast<std::size_t>(n));
  return text;
}

class memory_copy final : public state_copy {
public:
  memory_copy(std::string position, std::string content)
      : position_(std::move(position)), content_(std::move(content)) {}
  const std::string& position() const override { return position_; }
  std::uint64_t bytes() const override { return content_.size(); }
  std::uint32_t checksum() const override { return crc32c(as_bytes(content_)); }
  result<std::string> read(std::uint64_t offset, std::size_t n) const override {
    return content_.substr(static_cast<std::size_t>(offset), n);
  }

private:
  std::string position_, content_;
};

class memory_arrival final : public state_arrival {
public:
  result<> append(bytes_view bytes) override {
    content += as_text(bytes);
    return {};
  }
  result<> finish(std::uint64_t bytes, std::uint32_t checksum) override {
    if (bytes == content.size() && checksum == crc32c(as_bytes(content))) return {};
    return fail(ec::corrupt, "a copy of a state fails its checksum");
  }
  std::string content;
};

class memory_base final : public state_base, public std::enable_shared_from_this<memory_base> {
public:
  class memory_cursor final : public cursor {
  public:
    memory_cursor(std::shared_ptr<const memory_base> owner, std::shared_ptr<const rows_map> rows)
        : owner_(std::move(owner)), rows_(std::move(rows)), at_(rows_->end()) {}
    ~memory_cursor() override {
      std::lock_guard guard{owner_->mutex_}; // apply() looks at the count
      rows_.reset();
    }
    memory_cursor(const memory_cursor&) = delete;
    memory_cursor& operator=(const memory_cursor&) = delete;
    result<> seek(std::string_view key) override {
      at_ = rows_->lower_bound(key);
      return {};
    }
    result<> next() override {
      ++at_;
      return {};
    }
    bool valid() const override { return at_ != rows_->end(); }
    std::string_view key() const override { return at_->first; }
    std::string_view value() const override { return at_->second; }

  private:
    std::shared_ptr<const memory_base> owner_;
    std::shared_ptr<const rows_map> rows_;
    rows_map::const_iterator at_;
  };

  result<std::string> position() const override {
    std::lock_guard guard{mutex_};
    return position_;
  }

  result<std::optional<std::string>> get(std::string_view key) const override {
    std::lock_guard guard{mutex_};
    auto row = rows_->find(key);
    if (row == rows_->end()) return std::optional<std::string>{};
    return std::optional{row->second};
  }

  result<std::unique_ptr<cursor>> scan() const override {
    std::lock_guard guard{mutex_};
    return std::unique_ptr<cursor>{std::make_unique<memory_cursor>(shared_from_this(), rows_)};
  }

  result<> write(std::span<const change> all, const write_steps& steps) override {
    std::lock_guard guard{mutex_};
    if (rows_.use_count() > 1) rows_ = std::make_shared<rows_map>(*rows_);
    for (auto& [key, value] : all) {
      auto there = rows_->find(key);
      if (there != rows_->end() && steps.replaced) steps.replaced(key, there->second);
      if (value)
        rows_->insert_or_assign(std::string{key}, std::string{*value});
      else if (there != rows_->end())
        rows_->erase(there);
    }
    position_ = steps.position();
    return {};
  }

  result<std::shared_ptr<state_copy>> copy() const override {
    std::lock_guard guard{mutex_};
    std::string content;
    write_text(content, position_);
    for (auto& [key, value] : *rows_) {
      write_text(content, key);
      write_text(content, value);
    }
    return std::shared_ptr<state_copy>{std::make_shared<memory_copy>(position_, std::move(content))};
  }
  result<std::shared_ptr<state_arrival>> receive() override {
    return std::shared_ptr<state_arrival>{std::make_shared<memory_arrival>()};
  }
  result<> replace(state_arrival& arrival) override {
    auto* mine = dynamic_cast<memory_arrival*>(&arrival);
    if (mine == nullptr) return fail(ec::bad_argument, "an arrival of another kind of state");
    std::string_view in{mine->content};
    auto position = read_text(in);
    if (!position) return std::move(position).error();
    auto rows = std::make_shared<rows_map>();
    while (!in.empty()) {
      auto key = read_text(in);
      auto value = key ? read_text(in) : key;
      if (!value) return std::move(value).error();
      rows->emplace(std::move(*key), std::move(*value));
    }
    std::lock_guard guard{mutex_};
    rows_ = std::move(rows);
    position_ = std::move(*position);
    return {};
  }

private:
  mutable std::mutex mutex_;
  std::shared_ptr<rows_map> rows_ = std::make_shared<rows_map>();
  std::string position_;
};

} // namespace

std::shared_ptr<state_base> make_memory_base() { return std::make_shared<memory_base>(); }

} // namespace troupe
