#include "store/lmdb_keys.hpp"

#include <cerrno>
#include <string>
#include <vector>

namespace troupe::lmdb_rows {

namespace {

struct cursor_closer {
  void operator()(MDB_cursor* c) const { mdb_cursor_close(c); }
};

result<std::optional<std::string_view>> get(MDB_txn* txn, MDB_dbi dbi, MDB_val key) {
  MDB_val v;
  auto code = mdb_get(txn, dbi, &key, &v);
  if (code == MDB_NOTFOUND) return std::optional<std::string_view>{};
  if (code != 0) return failed("mdb_get", code);
  return std::optional{view_of(v)};
}

result<> set(MDB_txn* txn, MDB_dbi dbi, MDB_val key, std::string_view value) {
  auto v = val_of(value);
  if (auto code = mdb_put(txn, dbi, &key, &v, 0); code != 0) return failed("mdb_put", code);
  return {};
}

result<> remove(MDB_txn* txn, MDB_dbi dbi, MDB_val key) {
  if (auto code = mdb_del(txn, dbi, &key, nullptr); code != 0 && code != MDB_NOTFOUND) return failed("mdb_del", code);
  return {};
}

// How much of a value is a row of its own.
std::size_t tail_bytes(std::size_t size) {
  auto over = (page_header_bytes + size) % page_bytes;
  return over <= tail_bytes_max && size + page_header_bytes > page_bytes ? over : 0;
}

result<> set_row(MDB_txn* txn, MDB_dbi dbi, stored_key key, std::string_view whole_key, std::string_view value,
  const state_base::write_steps& steps) {
  auto before = get(txn, dbi, key.val());
  if (!before) return std::move(before).error();
  if (*before && steps.replaced) steps.replaced(whole_key, **before);
  if (*before && fills_pages((*before)->size())) TROUPE_TRY(remove(txn, dbi, key.tail()));
  auto head = value.substr(0, value.size() - tail_bytes(value.size()));
  TROUPE_TRY(set(txn, dbi, key.val(), head));
  return head.size() == value.size() ? result<>{} : set(txn, dbi, key.tail(), value.substr(head.size()));
}

std::string bytes_of(std::uint64_t number) {
  std::string s;
  for (int shift = 56; shift >= 0; shift -= 8) s.push_back(static_cast<char>(number >> shift));
  return s;
}

// Table numbers are not used again.
result<std::uint64_t> new_table(MDB_txn* txn, MDB_dbi dbi) {
  std::uint64_t last = 0;
  auto note = find_note(txn, dbi, "last_table");
  if (!note) return std::move(note).error();
  if (*note) {
    auto number = pointed_table(**note);
    if (!number) return number;
    last = *number;
  }
  TROUPE_TRY(put_note(txn, dbi, "last_table", bytes_of(last + 1)));
  return last + 1;
}

result<bool> is_empty(MDB_txn* txn, MDB_dbi dbi, std::uint64_t table) {
  MDB_cursor* raw = nullptr;
  if (auto code = mdb_cursor_open(txn, dbi, &raw); code != 0) return failed("mdb_cursor_open", code);
  std::unique_ptr<MDB_cursor, cursor_closer> cursor{raw};
  stored_key first{table, {}};
  auto k = first.val();
  MDB_val v;
  auto code = mdb_cursor_get(raw, &k, &v, MDB_SET_RANGE);
  if (code == MDB_NOTFOUND) return true;
  if (code != 0) return failed("mdb_cursor_get", code);
  return !first.part_of(k);
}

} // namespace

error failed(const char* call, int code) {
  auto kind = ec::io_error;
  switch (code) {
  case MDB_MAP_FULL:
  case ENOSPC:
  case EDQUOT: kind = ec::no_space; break;
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
  case MDB_INVALID: kind = ec::corrupt; break;
  case MDB_VERSION_MISMATCH: kind = ec::incompatible; break;
  case MDB_BAD_VALSIZE: kind = ec::bad_argument; break;
  default: break;
  }
  return fail(kind, std::string{call} + ": " + mdb_strerror(code));
}

result<std::optional<std::string>> find(MDB_txn* txn, MDB_dbi dbi, std::string_view key) {
  for (std::uint64_t table = 0;;) {
    stored_key stored{table, key};
    auto value = get(txn, dbi, stored.val());
    if (!value) return std::move(value).error();
    if (!*value) return std::optional<std::string>{};
    if (key.size() < part_bytes) {
      std::string row{**value};
      if (!fills_pages(row.size())) return std::optional{std::move(row)};
      auto tail = find_tail(txn, dbi, stored.tail());
      if (!tail) return std::move(tail).error();
      return std::optional{row.append(*tail)};
    }
    auto next = pointed_table(**value);
    if (!next) return std::move(next).error();
    table = *next;
    key.remove_prefix(part_bytes);
  }
}

result<> put(
  MDB_txn* txn, MDB_dbi dbi, std::string_view key, std::string_view value, const state_base::write_steps& steps) {
  std::uint64_t table = 0;
  auto whole = key;
  for (; key.size() >= part_bytes; key.remove_prefix(part_bytes)) {
    auto pointer = get(txn, dbi, stored_key{table, key}.val());
    if (!pointer) return std::move(pointer).error();
    auto next = *pointer ? pointed_table(**pointer) : new_table(txn, dbi);
    if (!next) return std::move(next).error();
    if (!*pointer) TROUPE_TRY(set(txn, dbi, stored_key{table, key}.val(), bytes_of(*next)));
    table = *next;
  }
  return set_row(txn, dbi, {table, key}, whole, value, steps);
}

result<> erase(MDB_txn* txn, MDB_dbi dbi, std::string_view key, const state_base::write_steps& steps) {
  auto whole = key;
  std::vector<stored_key> path;
  std::vector<std::uint64_t> tables;
  for (std::uint64_t table = 0;; key.remove_prefix(part_bytes)) {
    path.emplace_back(table, key);
    tables.push_back(table);
    if (key.size() < part_bytes) break;
    auto pointer = get(txn, dbi, path.back().val());
    if (!pointer) return std::move(pointer).error();
    if (!*pointer) return {};
    auto next = pointed_table(**pointer);
    if (!next) return std::move(next).error();
    table = *next;
  }
  auto row = get(txn, dbi, path.back().val());
  if (!row) return std::move(row).error();
  if (!*row) return {};
  if (steps.replaced) steps.replaced(whole, **row);
  if (fills_pages((*row)->size())) TROUPE_TRY(remove(txn, dbi, path.back().tail()));
  // The row; then each pointer whose table has become empty.
  for (auto i = path.size(); i-- > 0;) {
    auto k = path[i].val();
    auto code = mdb_del(txn, dbi, &k, nullptr);
    if (code == MDB_NOTFOUND) return {};
    if (code != 0) return failed("mdb_del", code);
    if (i == 0) break;
    auto empty = is_empty(txn, dbi, tables[i]);
    if (!empty) return std::move(empty).error();
    if (!*empty) break;
  }
  return {};
}

result<std::optional<std::string_view>> find_note(MDB_txn* txn, MDB_dbi dbi, std::string_view name) {
  return get(txn, dbi, stored_key::note(name).val());
}

result<> put_note(MDB_txn* txn, MDB_dbi dbi, std::string_view name, std::string_view value) {
  return set(txn, dbi, stored_key::note(name).val(), value);
}

} // namespace troupe::lmdb_rows
