// lmdb_rows: rows with keys of up to 2048 bytes in an LMDB that takes 511, in order (scheme: docs/DISK.md).
// A table is a number; the root is table 0. A row whose key has fewer than part_bytes bytes lies in its table. A longer
// one's first part_bytes bytes are a pointer there, to the table that has the rest, and so on. Values that would need one
// more page for a few bytes have those as a row of their own. Private to the store.
#pragma once

#include "base/error.hpp"
#include "store/state.hpp"

#include <lmdb.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace troupe::lmdb_rows {

constexpr std::size_t part_bytes = 480;
// LMDB keeps a large value in pages of its own, after a header in the first of them.
constexpr std::size_t page_bytes = 4096, page_header_bytes = 16, tail_bytes_max = 512;

// ec::no_space, ec::corrupt, ec::incompatible or ec::io_error.
error failed(const char* call, int code);

result<std::optional<std::string>> find(MDB_txn*, MDB_dbi, std::string_view key);
// `replaced` is told the value before without the last bytes of one that filled its pages.
result<> put(MDB_txn*, MDB_dbi, std::string_view key, std::string_view value, const state_base::write_steps& steps);
result<> erase(MDB_txn*, MDB_dbi, std::string_view key, const state_base::write_steps& steps);

// What the store notes about itself, apart from the rows.
// A view into the map: until the transaction ends or writes.
result<std::optional<std::string_view>> find_note(MDB_txn*, MDB_dbi, std::string_view name);
result<> put_note(MDB_txn*, MDB_dbi, std::string_view name, std::string_view value);

// Every row, long or short, in order. The transaction must outlive it.
std::unique_ptr<state_base::cursor> scan(MDB_txn*, MDB_dbi);

} // namespace troupe::lmdb_rows
