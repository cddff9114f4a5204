#include "cli/command_line.hpp"

namespace troupe::cli {

result<std::vector<std::string>> split_line(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    auto c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'') {
      if (++i == line.size()) return fail(ec::bad_argument, "a backslash at the end of the line");
      word += line[i];
    } else {
      word += c;
    }
  }
  if (quote != 0) return fail(ec::bad_argument, std::string{"a quote is not closed: "} + quote);
  if (in_word) words.push_back(std::move(word));
  return words;
}

} // namespace troupe::cli
