#include "codec/text.hpp"

#include "troupe.pb.h"

#include <catch2/catch.hpp>

#include <memory>

using namespace troupe;
namespace gp = google::protobuf;

namespace {

// Every field of a message, and of the messages in it, gets a value that is not its default.
void fill(gp::Message& m, int depth = 0) {
  auto* type = m.GetDescriptor();
  auto* access = m.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    auto* f = type->field(i);
    auto n = f->number();
    if (f->is_repeated()) {
      switch (f->cpp_type()) {
      case gp::FieldDescriptor::CPPTYPE_STRING: access->AddString(&m, f, "item " + std::to_string(n)); break;
      case gp::FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth < 6) fill(*access->AddMessage(&m, f), depth + 1);
        break;
      case gp::FieldDescriptor::CPPTYPE_UINT32: access->AddUInt32(&m, f, static_cast<unsigned>(n) + 7); break;
      case gp::FieldDescriptor::CPPTYPE_UINT64: access->AddUInt64(&m, f, static_cast<unsigned>(n) + 7); break;
      default: FAIL("a repeated field of a kind this test does not know: " << f->full_name());
      }
      continue;
    }
    switch (f->cpp_type()) {
    case gp::FieldDescriptor::CPPTYPE_STRING: access->SetString(&m, f, "text " + std::to_string(n)); break;
    case gp::FieldDescriptor::CPPTYPE_BOOL: access->SetBool(&m, f, true); break;
    case gp::FieldDescriptor::CPPTYPE_UINT32: access->SetUInt32(&m, f, 1000u + static_cast<unsigned>(n)); break;
    case gp::FieldDescriptor::CPPTYPE_UINT64: access->SetUInt64(&m, f, (1ull << 40) + static_cast<unsigned>(n)); break;
    case gp::FieldDescriptor::CPPTYPE_INT32: access->SetInt32(&m, f, -n); break;
    case gp::FieldDescriptor::CPPTYPE_INT64: access->SetInt64(&m, f, -n); break;
    case gp::FieldDescriptor::CPPTYPE_DOUBLE: access->SetDouble(&m, f, n + 0.5); break;
    case gp::FieldDescriptor::CPPTYPE_ENUM:
      access->SetEnumValue(&m, f, f->enum_type()->value(f->enum_type()->value_count() - 1)->number());
      break;
    case gp::FieldDescriptor::CPPTYPE_MESSAGE:
      if (depth < 6) fill(*access->MutableMessage(&m, f), depth + 1);
      break;
    default: FAIL("a field of a kind this test does not know: " << f->full_name());
    }
  }
}

template <class Message>
void check_golden(const Message& expected, std::string_view hex) {
  Message read;
  REQUIRE(read.ParseFromString(*hex_decode(hex)));
  CHECK(read.DebugString() == expected.DebugString());
  CHECK(hex_encode(expected.SerializeAsString()) == hex);
}

} // namespace

TEST_CASE("every message with every field set comes back from its bytes, and reads a newer release's fields") {
  auto* file = pb::geometry::descriptor()->file();
  REQUIRE(file->message_type_count() > 20);
  for (int i = 0; i < file->message_type_count(); ++i) {
    auto* type = file->message_type(i);
    CAPTURE(type->full_name());
    auto* prototype = gp::MessageFactory::generated_factory()->GetPrototype(type);
    std::unique_ptr<gp::Message> sent{prototype->New()}, received{prototype->New()};
    fill(*sent);
    auto bytes = sent->SerializeAsString();
    REQUIRE(received->ParseFromString(bytes));
    CHECK(received->SerializeAsString() == bytes);
    if (type->field_count() != 0) CHECK_FALSE(bytes.empty());
    REQUIRE(received->ParseFromString(bytes + "\xfa\x3f\x03new")); // field 1023, which no release has yet
    CHECK(received->SerializeAsString() == bytes + "\xfa\x3f\x03new");
  }
}

// Golden bytes: what a release wrote must be read for ever. Never edit them; add others when a message grows.
TEST_CASE("an object's record of release 0.1 is still read") {
  pb::object_record r;
  r.set_size(3'000'000);
  r.set_etag("900150983cd24fb0d6963f7d28e17f72");
  r.set_modified_ms(1795208160000);
  auto* h = r.add_headers();
  h->set_name("Content-Type");
  h->set_value("text/plain");
  auto* c = r.add_checksums();
  c->set_algorithm("CRC32C");
  c->set_value("sOO8/Q==");
  auto* e = r.mutable_extent();
  e->set_data_id(std::string(16, '\x11'));
  e->set_size(3'000'000);
  e->mutable_geometry()->set_k(3);
  e->mutable_geometry()->set_m(2);
  e->mutable_geometry()->set_piece_bytes(1 << 20);
  for (auto node : {"a", "b", "c", "d", "e"}) {
    if (e->placements().empty()) e->add_placements();
    e->mutable_placements(0)->add_nodes(node);
  }
  check_golden(r,
    "08c08db701122039303031353039383363643234666230643639363366376432386531376637321880c6fad59f34221a0a0c436f"
    "6e74656e742d54797065120a746578742f706c61696e32120a064352433332431208734f4f382f513d3d42320a10111111111111"
    "1111111111111111111110c08db7011a080803100218808040220f120161120162120163120164120165");
}

TEST_CASE("a metadata batch of release 0.1 is still read") {
  pb::log_entry entry;
  auto* b = entry.add_batches();
  b->set_now_ms(1795208160000);
  auto* p = b->add_preconditions();
  p->set_kind(pb::precondition::equals);
  p->set_key("k");
  p->set_digest(0x0123456789abcdef);
  auto* o = b->add_operations();
  o->set_kind(pb::operation::erase);
  o->set_key("k");
  o->set_value("v");
  o->set_collect(true);
  check_golden(entry, "0a230a0e080212016b19efcdab8967452301120a080112016b1a017620011880c6fad59f34");
}
