// lmdb_keys: the keys that lmdb_rows stores. Private to lmdb_rows.cpp and lmdb_cursor.cpp.
#pragma once

#include "store/lmdb_rows.hpp"

#include <array>
#include <cstring>

namespace troupe::lmdb_rows {

// "\0" part in the root, "\1" table part (big-endian) in the others, "\2" name for notes, "\3" and one of the first two for
// what a value has beyond its last whole page.
class stored_key {
public:
  stored_key(std::uint64_t table, std::string_view part) {
    if (table == 0)
      append('\0');
    else
      start_table(table);
    prefix_ = size_;
    add(part);
  }
  static stored_key note(std::string_view name) {
    stored_key key{0, name};
    key.bytes_[1] = '\2';
    return key;
  }
  MDB_val val() { return {size_, bytes_.data() + 1}; }
  MDB_val tail() {
    bytes_[0] = '\3';
    return {size_ + 1, bytes_.data()};
  }
  // The part of a stored key that lies in this one's table.
  std::optional<std::string_view> part_of(const MDB_val& stored) const {
    if (stored.mv_size < prefix_ || std::memcmp(stored.mv_data, bytes_.data() + 1, prefix_) != 0) return std::nullopt;
    return std::string_view{static_cast<const char*>(stored.mv_data) + prefix_, stored.mv_size - prefix_};
  }

  // Another part in the same table.
  stored_key with(std::string_view part) const {
    auto key = *this;
    key.size_ = key.prefix_;
    key.add(part);
    return key;
  }

private:
  void append(char c) { bytes_[1 + size_++] = c; }
  void start_table(std::uint64_t table) {
    append('\1');
    for (int shift = 56; shift >= 0; shift -= 8) append(static_cast<char>(table >> shift));
  }
  void add(std::string_view part) {
    part = part.substr(0, part_bytes);
    if (!part.empty()) std::memcpy(bytes_.data() + 1 + size_, part.data(), part.size());
    size_ += part.size();
  }

  std::array<char, 1 + 9 + part_bytes> bytes_; // one for tail(), then the key; not initialised: made for every access
  std::size_t size_ = 0;                       // of the key
  std::size_t prefix_ = 0;
};

inline std::string_view view_of(const MDB_val& v) { return {static_cast<const char*>(v.mv_data), v.mv_size}; }
inline MDB_val val_of(std::string_view s) { return {s.size(), const_cast<char*>(s.data())}; }

// Whether a value of this size may have a tail: it fills its pages.
inline bool fills_pages(std::size_t size) { return (page_header_bytes + size) % page_bytes == 0; }

// What a value that fills its pages has beyond them; empty for most.
inline result<std::string_view> find_tail(MDB_txn* txn, MDB_dbi dbi, MDB_val tail) {
  MDB_val v;
  auto code = mdb_get(txn, dbi, &tail, &v);
  if (code == MDB_NOTFOUND) return std::string_view{};
  if (code != 0) return failed("mdb_get", code);
  return view_of(v);
}

// The table that a pointer leads to.
inline result<std::uint64_t> pointed_table(std::string_view value) {
  if (value.size() != sizeof(std::uint64_t))
    return fail(ec::corrupt, "lmdb: a long key's pointer has " + std::to_string(value.size()) + " bytes");
  std::uint64_t table = 0;
  for (char c : value) table = table << 8 | static_cast<unsigned char>(c);
  if (table == 0) return fail(ec::corrupt, "lmdb: a long key's pointer leads to the root");
  return table;
}

} // namespace troupe::lmdb_rows
