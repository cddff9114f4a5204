// state: the overlay over the base, the merging cursor, and the three steps of a checkpoint.

#include "store/state.hpp"

#include "store/overlay.hpp"

#include <array>
#include <cassert>
#include <vector>

namespace troupe {

struct state::impl {
  std::shared_ptr<state_base> base;
  std::optional<error> broken; // the base could not tell its position: replaying from a guess would be wrong
  std::string position;
  std::shared_ptr<overlay> active = std::make_shared<overlay>();
  std::shared_ptr<overlay> frozen; // being checkpointed: not changed until that ends
  std::string next_position;
};

namespace {

// Walks one overlay.
class overlay_cursor {
public:
  explicit overlay_cursor(std::shared_ptr<const overlay> o)
      : overlay_(std::move(o)), at_(overlay_ ? overlay_->rows.end() : overlay::rows_map::const_iterator{}) {}
  void seek(std::string_view key) {
    if (overlay_) at_ = overlay_->rows.lower_bound(key);
  }
  bool valid() const { return overlay_ && at_ != overlay_->rows.end(); }
  void next() { ++at_; }
  std::string_view key() const { return at_->first; }
  const std::optional<std::string>& value() const { return at_->second; }

private:
  std::shared_ptr<const overlay> overlay_;
  overlay::rows_map::const_iterator at_;
};

// The newest source that has a key decides about it; an erased row hides the older ones.
class merging_cursor final : public state::cursor {
public:
  merging_cursor(std::shared_ptr<const overlay> active, std::shared_ptr<const overlay> frozen,
    std::unique_ptr<state_base::cursor> base)
      : newer_{overlay_cursor{std::move(active)}, overlay_cursor{std::move(frozen)}}, base_(std::move(base)) {}

  result<> seek(std::string_view key) override {
    for (auto& c : newer_) c.seek(key);
    TROUPE_TRY(base_->seek(key));
    return settle();
  }

  result<> next() override {
    TROUPE_TRY(step_over_current());
    return settle();
  }

  bool valid() const override { return source_ != source::none; }
  std::string_view key() const override { return source_ == source::base ? base_->key() : newer_[index()].key(); }
  std::string_view value() const override {
    return source_ == source::base ? base_->value() : std::string_view{*newer_[index()].value()};
  }

private:
  enum class source { active, frozen, base, none };
  std::size_t index() const { return source_ == source::active ? 0 : 1; }

  // The smallest key; of equals, the newest source.
  void choose() {
    source_ = source::none;
    for (auto s : {source::active, source::frozen})
      if (auto& c = newer_[static_cast<std::size_t>(s)]; c.valid() && (source_ == source::none || c.key() < key()))
        source_ = s;
    if (base_->valid() && (source_ == source::none || base_->key() < key())) source_ = source::base;
  }

  // Moves every source past the current key. The views into it die one by one, so the last to move is its owner.
  result<> step_over_current() {
    auto current = source_;
    for (auto s : {source::active, source::frozen})
      if (auto& c = newer_[static_cast<std::size_t>(s)]; s != current && c.valid() && c.key() == key()) c.next();
    if (current == source::base || (base_->valid() && base_->key() == key())) TROUPE_TRY(base_->next());
    if (current != source::base) newer_[index()].next();
    return {};
  }

  result<> settle() {
    for (choose(); source_ == source::active || source_ == source::frozen; choose()) {
      if (newer_[index()].value()) return {};
      TROUPE_TRY(step_over_current());
    }
    return {};
  }

  std::array<overlay_cursor, 2> newer_;
  std::unique_ptr<state_base::cursor> base_;
  source source_ = source::none;
};

} // namespace

result<> state_base::apply(const changes& all, std::string_view position) {
  std::vector<change> rows;
  rows.reserve(all.size());
  for (auto& [key, value] : all) rows.push_back({key, value});
  return write(rows, {.replaced = {}, .position = [&] { return std::string{position}; }});
}
result<std::shared_ptr<state_copy>> state_base::copy() const {
  return fail(ec::not_implemented, "copies of this kind of state");
}
result<std::shared_ptr<state_arrival>> state_base::receive() {
  return fail(ec::not_implemented, "copies of this kind of state");
}
result<> state_base::replace(state_arrival&) { return fail(ec::not_implemented, "copies of this kind of state"); }

state::state(std::shared_ptr<state_base> base) : impl_(std::make_unique<impl>()) {
  impl_->base = std::move(base);
  if (auto position = impl_->base->position())
    impl_->position = std::move(*position);
  else
    impl_->broken = std::move(position).error();
}

state::~state() = default;

result<std::optional<std::string>> state::get(std::string_view key) const {
  if (impl_->broken) return *impl_->broken;
  for (auto* o : {impl_->active.get(), impl_->frozen.get()}) {
    if (o == nullptr) continue;
    if (auto row = o->rows.find(key); row != o->rows.end()) return row->second;
  }
  return impl_->base->get(key);
}

void state::put(std::string key, std::string value) {
  assert(key.size() <= state_key_bytes_max && value.size() <= state_value_bytes_max);
  impl_->active->set(std::move(key), std::move(value));
}

void state::erase(std::string key) {
  assert(key.size() <= state_key_bytes_max);
  impl_->active->set(std::move(key), std::nullopt);
}

result<std::unique_ptr<state::cursor>> state::scan() const {
  if (impl_->broken) return *impl_->broken;
  auto base = impl_->base->scan();
  if (!base) return std::move(base).error();
  return std::unique_ptr<cursor>{std::make_unique<merging_cursor>(impl_->active, impl_->frozen, std::move(*base))};
}

const std::string& state::position() const { return impl_->position; }

std::uint64_t state::overlay_bytes() const { return impl_->active->bytes + (impl_->frozen ? impl_->frozen->bytes : 0); }

result<> state::replace(state_arrival& arrival) {
  assert(!checkpointing());
  TROUPE_TRY(impl_->base->replace(arrival));
  impl_->active = std::make_shared<overlay>();
  auto position = impl_->base->position();
  if (!position) return std::move(position).error();
  impl_->position = std::move(*position);
  return {};
}

bool state::checkpointing() const { return impl_->frozen != nullptr; }

std::function<result<>()> state::begin_checkpoint(std::string position) {
  assert(!checkpointing());
  impl_->frozen = std::exchange(impl_->active, std::make_shared<overlay>());
  impl_->next_position = std::move(position);
  return [base = impl_->base, frozen = std::shared_ptr<const overlay>{impl_->frozen}, where = impl_->next_position,
           broken = impl_->broken]() -> result<> {
    if (broken) return *broken;
    return base->apply(frozen->rows, where);
  };
}

void state::end_checkpoint(const result<>& outcome) {
  assert(checkpointing());
  auto frozen = std::move(impl_->frozen);
  if (outcome) {
    impl_->position = std::move(impl_->next_position);
    return;
  }
  // The newer rows on top of the older ones. A copy: a cursor may still look at the frozen rows.
  auto merged = std::make_shared<overlay>(*frozen);
  for (auto& [key, value] : impl_->active->rows) merged->set(key, value);
  impl_->active = std::move(merged);
}

} // namespace troupe
