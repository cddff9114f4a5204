#include "cli/object_name.hpp"

namespace troupe::cli {

namespace {
constexpr std::size_t key_bytes_max = 1024; // S3's limit
} // namespace

result<object_name> parse_bucket_or_object(std::string_view text) {
  auto rest = text;
  if (rest.starts_with("s3://")) rest.remove_prefix(5);
  const auto slash = rest.find('/');
  object_name name{
    std::string{rest.substr(0, slash)}, slash == rest.npos ? std::string{} : std::string{rest.substr(slash + 1)}};
  if (name.bucket.empty())
    return fail(ec::bad_argument, "'" + std::string{text} + "' names no bucket: write BUCKET or BUCKET/KEY");
  if (name.key.size() > key_bytes_max)
    return fail(ec::bad_argument,
      "the key has " + std::to_string(name.key.size()) + " bytes, the limit is " + std::to_string(key_bytes_max));
  return name;
}

result<object_name> parse_object(std::string_view text) {
  auto name = parse_bucket_or_object(text);
  if (name && name->key.empty())
    return fail(ec::bad_argument, "'" + std::string{text} + "' names no object: write BUCKET/KEY");
  return name;
}

result<object_name> parse_bucket(std::string_view text) {
  auto name = parse_bucket_or_object(text);
  if (name && !name->key.empty())
    return fail(ec::bad_argument, "'" + std::string{text} + "' is not a bucket: write BUCKET alone");
  return name;
}

} // namespace troupe::cli
