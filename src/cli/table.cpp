#include "cli/table.hpp"

#include "cli/storage.hpp"

#include <algorithm>

namespace troupe::cli {

namespace {

// Characters, not bytes: names are UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
    std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

} // namespace

table::table(std::vector<column> columns) : columns_(std::move(columns)) {}

void table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& cell : cells) cell = cell.empty() ? "-" : shown(cell);
  rows_.push_back(std::move(cells));
}

std::vector<std::string> table::lines() const {
  std::vector<std::string> out(rows_.size() + 1);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    auto unsaid = [c](const auto& row) { return row[c] == "-"; };
    if (!rows_.empty() && std::all_of(rows_.begin(), rows_.end(), unsaid)) continue;
    auto width = width_of(columns_[c].title);
    for (const auto& row : rows_) width = std::max(width, width_of(row[c]));
    for (std::size_t r = 0; r < out.size(); ++r) {
      const auto& cell = r == 0 ? columns_[c].title : rows_[r - 1][c];
      const std::string fill(width - width_of(cell), ' ');
      if (c != 0 && !out[r].empty()) out[r] += "  ";
      out[r] += columns_[c].right ? fill + cell : cell + fill;
    }
  }
  for (auto& line : out) line.erase(line.find_last_not_of(' ') + 1);
  return out;
}

} // namespace troupe::cli
