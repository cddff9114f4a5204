// table: rows of text in aligned columns, for people. Control characters are shown as '?'; nothing is cut.
#pragma once

#include <string>
#include <vector>

namespace troupe::cli {

class table {
public:
  struct column {
    std::string title;
    bool right = false; // numbers
  };
  explicit table(std::vector<column> columns);

  // As many cells as columns; an empty one is shown as '-'.
  void add(std::vector<std::string> cells);
  // Titles first; two spaces between columns, none at an end. A column that is '-' in every row is left out.
  std::vector<std::string> lines() const;

private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

} // namespace troupe::cli
