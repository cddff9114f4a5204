// Bytes from a disk: a header, a whole segment file, and a real log with bytes changed. Whatever they are, opening does
// not crash, delivers only what was written, and leaves a log that works.

#include "base/environment.hpp"
#include "codec/checksum.hpp"
#include "store/log.hpp"
#include "store/log_format.hpp"
#include "store/sim_disk.hpp"

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

using namespace troupe;

namespace {

void expect(bool truth) {
  if (!truth) std::abort();
}

class fixed_entropy final : public entropy {
public:
  void fill(bytes_span out) override {
    for (auto& b : out) b = static_cast<std::byte>(++last_);
  }

private:
  unsigned char last_ = 0;
};

log_options options_with(bool skip, entropy& random) {
  log_options options;
  options.directory = "log";
  options.segment_bytes = 1024;
  options.zeros_ahead_bytes = 128;
  options.skip_damage = skip;
  options.random = &random;
  return options;
}

void put_u32(std::string& s, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) s[at + i] = static_cast<char>(value >> (8 * i));
}

// Gives whatever looks like a header the right checksums: the input decides about everything else.
std::string with_checksums(std::string file) {
  for (std::size_t at = 0; at + 64 <= file.size(); at += 8) {
    if (file[at] != 'T' || file[at + 1] != 'g') continue;
    std::uint32_t length = 0;
    for (std::size_t i = 4; i-- > 0;) length = length << 8 | static_cast<unsigned char>(file[at + 40 + i]);
    if (length <= file.size() - at - 64) put_u32(file, at + 56, crc32c(as_bytes(file).subspan(at + 64, length)));
    std::string place(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) place[i] = static_cast<char>(at >> (8 * i));
    put_u32(file, at + 60, crc32c(as_bytes(file).subspan(at, 60), crc32c(as_bytes(place))));
  }
  return file;
}

void open_and_use(sim_disk& d, bool skip, const std::set<std::string>& written, bool anything_goes) {
  fixed_entropy random;
  auto l = log::open(d, options_with(skip, random), {}, [&](const log_entry_view& e) -> result<> {
    expect(anything_goes || written.count(std::string{as_text(e.payload)}) == 1);
    return {};
  });
  if (!l) return;
  auto payload = as_bytes("appended afterwards");
  auto at = (*l)->append({.type = 1, .id = {}, .n1 = 1, .n2 = 2}, {&payload, 1});
  expect(at.has_value());
  expect((*l)->sync().has_value());
  auto back = (*l)->read(*at);
  expect(back && back->second.text() == "appended afterwards");
  auto end = (*l)->end();
  l->reset();
  d.crash();
  auto again = log::open(d, options_with(true, random), {}, {});
  expect(again && (*again)->end() == end && (*again)->read(*at).has_value());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input{reinterpret_cast<const char*>(data), size};
  if (input.size() < 2) return 0;
  auto skip = (input[0] & 1) != 0;
  auto fix = (input[0] & 2) != 0;
  auto kind = static_cast<unsigned char>(input[1]) % 3;
  input.remove_prefix(2);

  if (auto header = log_format::decode(as_bytes(input), 64))
    expect(log_format::decode(log_format::encode(*header, 64), 64) == header);

  if (kind < 2) { // a file as it is
    sim_disk d{1};
    auto file = (fix ? with_checksums(std::string{input}) : std::string{input});
    d.overwrite(kind == 0 ? "log/wal.active" : "log/wal.segments/segment_3.wal", 0, as_bytes(file));
    open_and_use(d, skip, {}, true);
    return 0;
  }

  // A log of some records, whose payloads are the input's, then bytes changed at places that the input chooses.
  sim_disk d{1};
  fixed_entropy random;
  std::set<std::string> written;
  {
    auto l = log::open(d, options_with(false, random), {}, {}).value();
    for (int i = 0; i < 12 && !input.empty(); ++i) {
      auto n = std::min<std::size_t>(static_cast<unsigned char>(input[0]), input.size() - 1);
      auto payload = input.substr(1, n);
      auto view = as_bytes(payload);
      l->append({.type = 1, .id = {}, .n1 = 1, .n2 = 2}, {&view, 1}).value();
      written.insert(std::string{payload});
      if (i % 2 == 0) l->sync().value();
      input.remove_prefix(n + 1);
      if (n % 7 == 0) break;
    }
    l->sync().value();
  }
  for (; input.size() >= 4; input.remove_prefix(4)) {
    static const std::string files[] = {
      "log/wal.active", "log/wal.segments/segment_1.wal", "log/wal.segments/segment_2.wal"};
    auto offset = static_cast<unsigned char>(input[1]) + 256U * static_cast<unsigned char>(input[2]) % 2048;
    d.flip_bit(files[static_cast<unsigned char>(input[0]) % 3], offset, static_cast<unsigned char>(input[3]) % 8);
  }
  open_and_use(d, skip, written, false);
  return 0;
}
