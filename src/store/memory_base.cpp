// memory_base: a state_base for simulations. apply() is atomic and counts as durable at once. A cursor keeps the rows
// it began with: apply() copies them only while one is open. Thread safe.

#include "store/state.hpp"

#include <map>
#include <mutex>

namespace troupe {

namespace {

using rows_map = std::map<std::string, std::string, std::less<>>;

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

  result<> apply(const std::vector<change>& changes, std::string_view position) override {
    std::lock_guard guard{mutex_};
    if (rows_.use_count() > 1) rows_ = std::make_shared<rows_map>(*rows_);
    for (auto& c : changes) {
      if (c.value)
        rows_->insert_or_assign(c.key, *c.value);
      else
        rows_->erase(c.key);
    }
    position_ = position;
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
