#include "core/content_class.hpp"

#include <charconv>
#include <optional>
#include <vector>

namespace troupe {
namespace {

constexpr std::uint32_t copies_max = 9; // one data piece and at most eight more
constexpr std::uint32_t k_max = 16, m_max = 8, pieces_max = 20;

// The numbers of `name(a,b)`; nothing: the text is of another form.
std::optional<std::vector<std::uint32_t>> numbers_of(std::string_view text, std::string_view name) {
  if (!text.starts_with(name)) return std::nullopt;
  text.remove_prefix(name.size());
  if (text.size() < 3 || text.front() != '(' || text.back() != ')') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::vector<std::uint32_t> numbers;
  for (;;) {
    std::uint32_t n = 0;
    auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (bad != std::errc{} || end == text.data()) return std::nullopt;
    numbers.push_back(n);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) return numbers;
    if (text.front() != ',') return std::nullopt;
    text.remove_prefix(1);
  }
}

} // namespace

result<content_class> content_class_named(std::string_view text) {
  if (text == "default") return content_class{};
  if (auto n = numbers_of(text, "replica"); n && n->size() == 1 && (*n)[0] >= 2 && (*n)[0] <= copies_max)
    return content_class{.k = 1, .m = (*n)[0] - 1};
  if (auto n = numbers_of(text, "erasure"); n && n->size() == 2) {
    const content_class c{.k = (*n)[0], .m = (*n)[1]};
    if (c.k >= 2 && c.k <= k_max && c.m >= 1 && c.m <= m_max && c.nodes() <= pieces_max) return c;
  }
  return fail(ec::bad_argument,
    "'" + std::string{text.substr(0, 64)} +
      "' is no class: default, replica(n) with n from 2 to 9, or erasure(k,m) with k from 2 to 16, m from 1 to 8 and "
      "at "
      "most 20 pieces");
}

std::string name_of(const content_class& c) {
  if (c.by_size()) return "default";
  if (c.k == 1) return "replica(" + std::to_string(c.m + 1) + ")";
  return "erasure(" + std::to_string(c.k) + "," + std::to_string(c.m) + ")";
}

result<durability> durability_named(std::string_view text) {
  for (auto d : {durability::first, durability::quorum, durability::all})
    if (text == name_of(d)) return d;
  return fail(ec::bad_argument, "'" + std::string{text.substr(0, 64)} + "' is no durability: async, quorum or all");
}

std::string_view name_of(durability d) {
  switch (d) {
  case durability::first: return "async";
  case durability::all: return "all";
  case durability::quorum: break;
  }
  return "quorum";
}

result<> check(const bucket_keeping& how, std::size_t nodes) {
  if (how.durability == durability::first && how.shape.k != 1)
    return fail(ec::bad_argument,
      "async acknowledges one copy, and one piece of erasure-coded content is none: it needs the class replica(n)");
  if (how.shape.nodes() <= nodes) return {};
  return fail(ec::bad_argument,
    name_of(how.shape) + " needs " + std::to_string(how.shape.nodes()) + " storage nodes; there are " +
      std::to_string(nodes));
}

} // namespace troupe
