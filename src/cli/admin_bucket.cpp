// `troupe admin bucket`: how a bucket's content is kept.
#include "cli/admin.hpp"
#include "cli/json_fields.hpp"

#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace {

struct bucket_flags : admin_flags {
  std::string bucket, shape, durability, encryption;
};

result<> show_or_set(session& s, const bucket_flags& flags) {
  name_values query;
  if (!flags.shape.empty()) query.emplace_back("class", flags.shape);
  if (!flags.durability.empty()) query.emplace_back("durability", flags.durability);
  if (!flags.encryption.empty()) query.emplace_back("encryption", flags.encryption);
  const auto path = "buckets/" + flags.bucket;
  auto answer = query.empty() ? admin_get(s, path) : admin_post(s, path, std::move(query));
  if (!answer) return answer.error();
  if (s.json) {
    print_json(*answer);
    return check_stdout();
  }
  print_line("class       " + shown(text_of(*answer, "class")));
  print_line("durability  " + shown(text_of(*answer, "durability")));
  print_line("encryption  " + shown(text_of(*answer, "encryption")));
  return check_stdout();
}

} // namespace

void add_bucket_command(CLI::App& admin, command& chosen) {
  const auto flags = std::make_shared<bucket_flags>();
  auto* const added = add_admin_command(admin, "bucket", "Show or set how a bucket's content is kept", *flags);
  added->add_option("BUCKET", flags->bucket, "The bucket")->required();
  added->add_option("--class", flags->shape,
    "replica(n), n from 2 to 9; erasure(k,m), at most 20 pieces; default: by size and number of nodes");
  added
    ->add_option("--durability", flags->durability,
      "What a write waits for: quorum (default), all pieces, or async (one copy; needs replica(n))")
    ->check(CLI::IsMember({"async", "quorum", "all"}));
  added
    ->add_option("--encryption", flags->encryption,
      "Content at rest: on, off (what is encrypted stays so), or default: as encryption.content of the configuration")
    ->check(CLI::IsMember({"on", "off", "default"}));
  added->footer(
    "Without an option, what is set. A change holds for what is stored from then on, within a "
    "second; what is\nthere stays as it is. Content that lies in its metadata row (inline_limit) is kept by the "
    "metadata group, except with\ndurability all.\n\n"
    "Examples:\n  troupe admin bucket photos\n  troupe admin bucket archive --class 'erasure(4,2)'\n"
    "  troupe admin bucket ledgers --class 'replica(3)' --durability all\n"
    "  troupe admin bucket patients --encryption on");
  added->callback([flags, &chosen] {
    chosen = [flags] {
      return run_admin(*flags, "bucket " + flags->bucket, [&](session& s) { return show_or_set(s, *flags); });
    };
  });
}

} // namespace troupe::cli
