// Any form's head is parsed or refused; what was found is in the body, and more of the body does not change it.
#include "codec/multipart_form.hpp"

#include <cstdint>
#include <cstdlib>

using namespace troupe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto line = text.find('\n');
  std::string boundary = "b";
  if (line != text.npos) {
    auto named = form_boundary(text.substr(0, line));
    if (named && *named) boundary = **named;
    text.remove_prefix(line + 1);
  }
  auto head = parse_form_head(text, boundary);
  if (!head || !*head) return 0;
  if ((*head)->bytes > text.size()) std::abort();
  auto again = parse_form_head(text.substr(0, (*head)->bytes), boundary);
  if (!again || !*again || (*again)->bytes != (*head)->bytes || (*again)->filename != (*head)->filename) std::abort();
  return 0;
}
