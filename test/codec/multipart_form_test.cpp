#include "codec/multipart_form.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {
const std::string field = "--b1\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nsome text\r\n";
const std::string file = "--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a "
                         "\\\"b\\\".txt\"\r\nContent-Type: text/plain\r\n\r\n";
} // namespace

TEST_CASE("the boundary of a form is found in its type, quoted or not") {
  REQUIRE(form_boundary("multipart/form-data; boundary=abc").value() == "abc");
  REQUIRE(form_boundary("Multipart/Form-Data;charset=x; BOUNDARY=\"a b\"").value() == "a b");
  REQUIRE_FALSE(form_boundary("application/octet-stream").value());
  REQUIRE_FALSE(form_boundary("").value());
  for (const auto* text :
    {"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"x"})
    REQUIRE(form_boundary(text).error().code == ec::bad_request);
  REQUIRE_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'b')));
}

TEST_CASE("the head of a form is its fields and the file's headers, however it is cut") {
  const auto whole = field + file;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    INFO(n << " bytes");
    auto early = parse_form_head(whole.substr(0, n), "b1");
    REQUIRE(early);
    REQUIRE_FALSE(early->has_value());
  }
  const auto head = parse_form_head(whole + "content", "b1").value().value();
  REQUIRE(head.bytes == whole.size());
  REQUIRE(head.filename == "a \"b\".txt");
  REQUIRE(head.content_type == "text/plain");
  REQUIRE(head.fields.at("note") == "some text");
  REQUIRE(parse_form_head(file, "b1").value()->fields.empty());
}

TEST_CASE("what is no form, or has no file, is refused") {
  for (const auto& body : {std::string{"--b2\r\n"}, std::string{"hello"}, field + "--b1--\r\n",
         std::string{"--b1\r\nContent-Type: text/plain\r\n\r\n"}, std::string{"--b1\r\nno header\r\n\r\n"},
         std::string{"--b1\r\nContent-Disposition: attachment; filename=x\r\n\r\n"}}) {
    INFO(body);
    REQUIRE(parse_form_head(body, "b1").error().code == ec::bad_request);
  }
  std::string many;
  for (int i = 0; i < 40; ++i) many += field;
  REQUIRE_FALSE(parse_form_head(many + file, "b1"));
}
