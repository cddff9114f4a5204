// The ordered walk over short and long keys: one LMDB cursor for each table between the root and the current row.

#include "store/lmdb_keys.hpp"

#include <string>
#include <vector>

namespace troupe::lmdb_rows {

namespace {

struct closer {
  void operator()(MDB_cursor* c) const { mdb_cursor_close(c); }
};

class walk final : public state_base::cursor {
public:
  walk(MDB_txn* txn, MDB_dbi dbi) : txn_(txn), dbi_(dbi) {}

  result<> seek(std::string_view key) override {
    levels_.clear();
    prefix_.clear();
    for (std::uint64_t table = 0;; key.remove_prefix(part_bytes)) {
      TROUPE_TRY(enter(table, key));
      if (!part_) return go_up();
      // Only a pointer to this very key's table is followed with a key to look for.
      if (part_->size() < part_bytes || *part_ != key.substr(0, part_bytes)) return settle();
      auto next = pointed_table(value_);
      if (!next) return std::move(next).error();
      prefix_ += *part_;
      table = *next;
    }
  }

  result<> next() override {
    TROUPE_TRY(step());
    return part_ ? settle() : go_up();
  }

  bool valid() const override { return part_.has_value(); }
  std::string_view key() const override { return key_; }
  std::string_view value() const override { return value_; }

private:
  struct level {
    stored_key table;             // with an empty part
    std::size_t prefix_bytes = 0; // of prefix_, that its rows begin with
    std::unique_ptr<MDB_cursor, closer> at;
  };

  // A new innermost level, at the first row that is not before `key`.
  result<> enter(std::uint64_t table, std::string_view key) {
    MDB_cursor* raw = nullptr;
    if (auto code = mdb_cursor_open(txn_, dbi_, &raw); code != 0) return failed("mdb_cursor_open", code);
    levels_.push_back({stored_key{table, {}}, prefix_.size(), std::unique_ptr<MDB_cursor, closer>{raw}});
    stored_key start{table, key};
    return move(start.val(), MDB_SET_RANGE);
  }

  result<> step() { return move({}, MDB_NEXT); }

  // part_ and value_ are the innermost cursor's afterwards; no part_: its table is through.
  result<> move(MDB_val k, MDB_cursor_op how) {
    part_.reset();
    MDB_val v;
    auto code = mdb_cursor_get(levels_.back().at.get(), &k, &v, how);
    if (code == MDB_NOTFOUND) return {};
    if (code != 0) return failed("mdb_cursor_get", code);
    part_ = levels_.back().table.part_of(k);
    value_ = view_of(v);
    if (!part_ || !fills_pages(value_.size())) return {};
    auto tail = find_tail(txn_, dbi_, levels_.back().table.with(*part_).tail());
    if (!tail) return std::move(tail).error();
    if (!tail->empty()) value_ = long_value_.assign(value_).append(*tail);
    return {};
  }

  // From whatever the innermost cursor is at to the first row there.
  result<> settle() {
    while (part_->size() >= part_bytes) {
      auto table = pointed_table(value_);
      if (!table) return std::move(table).error();
      prefix_ += *part_;
      if (levels_.size() > state_key_bytes_max / part_bytes) return fail(ec::corrupt, "lmdb: a key is too long");
      TROUPE_TRY(enter(*table, {}));
      if (!part_) return fail(ec::corrupt, "lmdb: a long key's pointer leads nowhere");
    }
    if (levels_.size() == 1) {
      key_ = *part_;
    } else {
      prefix_.resize(levels_.back().prefix_bytes);
      long_key_.assign(prefix_).append(*part_);
      key_ = long_key_;
    }
    return {};
  }

  result<> go_up() {
    while (!part_ && levels_.size() > 1) {
      levels_.pop_back();
      prefix_.resize(levels_.back().prefix_bytes);
      TROUPE_TRY(step());
    }
    return part_ ? settle() : result<>{};
  }

  MDB_txn* txn_;
  MDB_dbi dbi_;
  std::vector<level> levels_;
  std::string prefix_;
  std::optional<std::string_view> part_;
  std::string_view key_, value_;
  std::string long_key_, long_value_;
};

} // namespace

std::unique_ptr<state_base::cursor> scan(MDB_txn* txn, MDB_dbi dbi) { return std::make_unique<walk>(txn, dbi); }

} // namespace troupe::lmdb_rows
