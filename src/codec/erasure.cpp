#include "codec/erasure.hpp"

#include <isa-l/erasure_code.h>

#include <string>

namespace troupe {
namespace {

constexpr std::size_t table_bytes = 32; // ISA-L expands each coefficient to this many

// ISA-L's pointers are not const, though it only reads the sources.
void multiply(std::size_t k, std::size_t rows, const unsigned char* tables, std::span<const std::byte* const> sources,
  std::span<std::byte* const> outputs, std::size_t bytes) {
  std::array<unsigned char*, erasure_codec::pieces_max> in{}, out{};
  for (std::size_t i = 0; i < k; ++i) in[i] = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(sources[i]));
  for (std::size_t i = 0; i < rows; ++i) out[i] = reinterpret_cast<unsigned char*>(outputs[i]);
  ec_encode_data(static_cast<int>(bytes), static_cast<int>(k), static_cast<int>(rows),
    const_cast<unsigned char*>(tables), in.data(), out.data());
}

} // namespace

result<erasure_codec> erasure_codec::make(std::size_t k, std::size_t m) {
  if (k < 1 || k > k_max || m > m_max || k + m > pieces_max)
    return fail(ec::bad_argument, "no such erasure geometry: " + std::to_string(k) + "+" + std::to_string(m));
  return erasure_codec{k, m};
}

erasure_codec::erasure_codec(std::size_t k, std::size_t m)
    : k_(k), m_(m), matrix_((k + m) * k), tables_(table_bytes * k * m) {
  if (k == 1)
    matrix_.assign(matrix_.size(), 1);
  else
    gf_gen_cauchy1_matrix(matrix_.data(), static_cast<int>(k + m), static_cast<int>(k));
  if (m != 0) ec_init_tables(static_cast<int>(k), static_cast<int>(m), matrix_.data() + k * k, tables_.data());
}

void erasure_codec::encode(
  std::span<const std::byte* const> data, std::span<std::byte* const> parity, std::size_t bytes) const {
  if (m_ == 0 || bytes == 0) return;
  if (k_ == 1) {
    for (auto* p : parity) std::memcpy(p, data[0], bytes);
    return;
  }
  multiply(k_, m_, tables_.data(), data, parity, bytes);
}

result<> erasure_codec::reconstruct(std::span<const std::byte* const> pieces, std::span<const std::size_t> wanted,
  std::span<std::byte* const> outputs, std::size_t bytes) const {
  if (pieces.size() != k_ + m_ || wanted.size() != outputs.size() || wanted.size() > pieces.size() || bytes > bytes_max)
    return fail(ec::bad_argument, "reconstruct: the spans do not fit " + std::to_string(k_) + "+" + std::to_string(m_));
  std::array<const std::byte*, k_max> sources{};
  std::array<unsigned char, k_max * k_max> rows{}, inverse{};
  std::size_t found = 0;
  for (std::size_t i = 0; i < pieces.size() && found < k_; ++i) {
    if (pieces[i] == nullptr) continue;
    sources[found] = pieces[i];
    std::memcpy(rows.data() + found * k_, matrix_.data() + i * k_, k_);
    ++found;
  }
  if (found < k_)
    return fail(
      ec::unavailable, std::to_string(found) + " pieces of the " + std::to_string(k_) + " that decoding needs");
  if (wanted.empty() || bytes == 0) return {};
  if (gf_invert_matrix(rows.data(), inverse.data(), static_cast<int>(k_)) != 0)
    return fail(ec::internal, "a submatrix of a Cauchy matrix has no inverse");

  // A data piece is its row of the inverse; a parity piece is its own row times the inverse.
  std::vector<unsigned char> coefficients(wanted.size() * k_), tables(table_bytes * k_ * wanted.size());
  for (std::size_t w = 0; w < wanted.size(); ++w) {
    if (wanted[w] >= pieces.size()) return fail(ec::bad_argument, "reconstruct: no piece " + std::to_string(wanted[w]));
    for (std::size_t column = 0; column < k_; ++column) {
      unsigned char sum = 0;
      for (std::size_t i = 0; i < k_; ++i)
        sum = static_cast<unsigned char>(sum ^ gf_mul(matrix_[wanted[w] * k_ + i], inverse[i * k_ + column]));
      coefficients[w * k_ + column] = sum;
    }
  }
  ec_init_tables(static_cast<int>(k_), static_cast<int>(wanted.size()), coefficients.data(), tables.data());
  multiply(k_, wanted.size(), tables.data(), std::span{sources}.first(k_), outputs, bytes);
  return {};
}

} // namespace troupe
