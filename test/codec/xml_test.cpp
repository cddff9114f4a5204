#include "codec/xml.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace troupe;
using namespace std::string_literals;

namespace {
constexpr std::size_t limit = 1 << 20;
const std::string declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
} // namespace

TEST_CASE("a document is written element by element, with its namespace on the root") {
  std::string out;
  xml_writer w{out};
  w.open("ListBucketResult", "http://s3.amazonaws.com/doc/2006-03-01/").element("Name", "b").element("MaxKeys", 1000);
  w.element("IsTruncated", false).element("Size", std::uint64_t{1} << 63).element("Prefix", "");
  w.open("Owner").attribute("xsi:type", "Canonical\"User").element("ID", "x"s).close().open("A").text("t<").close_all();
  CHECK(out ==
    declaration +
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><MaxKeys>1000</MaxKeys>"
      "<IsTruncated>false</IsTruncated><Size>9223372036854775808</Size><Prefix></Prefix>"
      "<Owner xsi:type=\"Canonical&quot;User\"><ID>x</ID></Owner><A>t&lt;</A></ListBucketResult>");
}

TEST_CASE("text is escaped, and what XML cannot say becomes the replacement character") {
  auto escaped = [](std::string_view s) {
    std::string out;
    append_xml_escaped(out, s);
    return out;
  };
  CHECK(escaped("a&b<c>d\"e'f") == "a&amp;b&lt;c&gt;d&quot;e'f");
  CHECK(escaped("\t\n\r") == "\t\n&#13;");
  CHECK(escaped("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  const std::string bad = "\xef\xbf\xbd";
  CHECK(escaped(std::string_view{"\0", 1}) == bad);
  CHECK(escaped("a\x01z\x1f") == "a" + bad + "z" + bad);
  CHECK(escaped("\xff") == bad);
  CHECK(escaped("\xc3") == bad);
  CHECK(escaped("\xc3(") == bad + "(");
  CHECK(escaped("\xed\xa0\x80") == bad + bad + bad); // a surrogate
  CHECK(escaped("\xef\xbf\xbe") == bad);             // U+FFFE
}

TEST_CASE("a request's document is read with and without prefixes, comments and CDATA") {
  auto doc = xml_document::parse(
    "\xef\xbb\xbf<?xml version='1.0'?><!-- c &x; --><s3:Delete xmlns:s3='u' a='&lt;1'>\n "
    "<s3:Object><s3:Key>a&amp;b&#x20;&#233;</s3:Key>"
    "</s3:Object><Object><Key><![CDATA[<&x;>]]>!</Key></Object><Quiet> true </Quiet><Empty/></s3:Delete>\n",
    limit);
  REQUIRE(doc.has_value());
  auto root = doc->root();
  CHECK(root.name() == "Delete");
  CHECK(root.attribute("a") == "<1");
  CHECK_FALSE(root.attribute("b"));
  CHECK(root.children().size() == 4);
  auto objects = root.children("Object");
  REQUIRE(objects.size() == 2);
  CHECK(objects[0].child_text("Key") == "a&b \xc3\xa9");
  CHECK(objects[1].child_text("Key") == "<&x;>!");
  CHECK(root.child_text("Quiet") == " true ");
  CHECK(root.child_text("Empty") == "");
  CHECK_FALSE(root.child("Nothing"));
  CHECK_FALSE(root.child_text("Nothing"));
}

TEST_CASE("a document that is not well-formed, or more than a request needs, is malformed") {
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "<a>";
  for (int i = 0; i < 1000; ++i) deep += "</a>";
  for (auto text : {""s, " "s, "x"s, "<a>"s, "<a></b>"s, "<a/><b/>"s, "<a/>tail"s, "head<a/>"s, "<a>&nbsp;</a>"s,
         "<a>&</a>"s, "<a>&#0;</a>"s, "<a>&#xd800;</a>"s, "<a>&#1114112;</a>"s, "<a>&#;</a>"s, "<a>&#99999999999;</a>"s,
         "<a b='&x;'/>"s, "<a>\xff</a>"s, "<a>\0</a>"s, "<!DOCTYPE a><a/>"s,
         "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"s, "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a/>"s,
         "<a><![CDATA[</a>"s, "<a><!-- </a>"s, deep, "\xff\xfe<\0a\0/\0>\0"s}) {
    CAPTURE(text);
    auto doc = xml_document::parse(text, limit);
    REQUIRE(doc.has_error());
    CHECK(doc.error().code == ec::malformed_xml);
  }
  CHECK(xml_document::parse("<a/>", 4).has_value());
  CHECK(xml_document::parse("<a/>", 3).error().code == ec::malformed_xml);
}

TEST_CASE("nesting is accepted to a depth of 64 elements") {
  auto nested = [](int n) {
    std::string s;
    for (int i = 0; i < n; ++i) s += "<a>";
    for (int i = 0; i < n; ++i) s += "</a>";
    return xml_document::parse(s, limit).has_value();
  };
  CHECK(nested(64));
  CHECK_FALSE(nested(65));
}

TEST_CASE("what is written is read back, for any text that XML can say") {
  std::mt19937 random{9};
  for (int round = 0; round < 300; ++round) {
    std::string text = "x"; // not only white space, which the reader may drop
    for (auto n = random() % 30; n-- > 0;) {
      static const char* const pieces[] = {
        "&", "<", ">", "\"", "'", "]]>", "\n", "\r", "\t", " ", "\xc3\xa9", "\xf0\x9f\x98\x80", "a", "&amp;", "/"};
      text += pieces[random() % std::size(pieces)];
    }
    std::string out;
    xml_writer{out}.open("R").element("V", text).close_all();
    auto doc = xml_document::parse(out, limit);
    CAPTURE(text);
    REQUIRE(doc.has_value());
    CHECK(doc->root().child_text("V") == text);
  }
}
