// `troupe storage mb`, `rb` and `ls`.
#include "cli/s3_calls.hpp"
#include "cli/server_copy.hpp"
#include "cli/storage.hpp"
#include "codec/units.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace troupe::cli {

namespace {

struct bucket_flags : storage_flags {
  std::string name;
  bool force = false;
  bool recursive = false;
};

// "2026-11-20T21:15:03.000Z" -> "2026-11-20 21:15:03"
std::string shown_time(std::string_view iso) {
  std::string out = shown(iso.substr(0, 19));
  if (out.size() > 10) out[10] = ' ';
  return out;
}

result<> make(session& s, const bucket_flags& flags) {
  const auto name = parse_bucket(flags.name);
  if (!name) return name.error();
  s3_client client{s.where, {.stop = s.signals.token()}};
  TROUPE_TRY(make_bucket(client, name->bucket));
  if (s.json)
    print_json({{"bucket", name->bucket}, {"made", true}});
  else if (!s.quiet)
    print_line("made bucket " + name->bucket);
  return {};
}

result<> abort_uploads(s3_client& client, const std::string& bucket) {
  std::string after_key, after_id;
  do {
    auto page = list_uploads(client, bucket, after_key, after_id);
    if (!page) return page.error();
    for (const auto& upload : page->uploads)
      if (auto aborted = abort_upload(client, {bucket, upload.key}, upload.id);
          !aborted && aborted.error().code != ec::no_such_upload)
        return aborted.error();
    if (!page->next_key.empty() && page->next_key == after_key && page->next_id == after_id)
      return fail(ec::malformed_xml, "the server gives the same marker twice");
    after_key = std::move(page->next_key);
    after_id = std::move(page->next_id);
  } while (!after_key.empty());
  return {};
}

result<> remove(session& s, const bucket_flags& flags) {
  const auto name = parse_bucket(flags.name);
  if (!name) return name.error();
  s3_client client{s.where, {.stop = s.signals.token()}};
  std::uint64_t removed = 0;
  if (flags.force) {
    auto emptied = remove_prefix(client, *name);
    if (!emptied) return emptied.error();
    removed = *emptied;
    TROUPE_TRY(abort_uploads(client, name->bucket));
  }
  TROUPE_TRY(remove_bucket(client, name->bucket));
  if (s.json)
    print_json({{"bucket", name->bucket}, {"removed", true}, {"objects_removed", removed}});
  else if (!s.quiet)
    print_line("removed bucket " + name->bucket + (removed == 0 ? "" : " and " + std::to_string(removed) + " objects"));
  return {};
}

result<> list_all_buckets(session& s, s3_client& client) {
  const auto buckets = list_buckets(client);
  if (!buckets) return buckets.error();
  for (const auto& bucket : *buckets) {
    if (s.json)
      print_json({{"bucket", bucket.name}, {"created", bucket.created}});
    else
      print_line(shown_time(bucket.created) + "  " + shown(bucket.name));
  }
  return {};
}

void print_page(const session& s, const object_page& page) {
  for (const auto& prefix : page.prefixes) {
    if (s.json)
      print_json({{"prefix", prefix}});
    else
      print_line(std::string(19, ' ') + "        DIR  " + shown(prefix));
  }
  for (const auto& object : page.objects) {
    if (s.json) {
      print_json({{"key", object.key}, {"size", object.size}, {"etag", object.etag}, {"modified", object.modified}});
      continue;
    }
    const auto size = human_bytes(object.size);
    print_line(shown_time(object.modified) + std::string(11 - std::min<std::size_t>(11, size.size()), ' ') + size +
      "  " + shown(object.key));
  }
}

result<> list(session& s, const bucket_flags& flags) {
  s3_client client{s.where, {.stop = s.signals.token()}};
  if (flags.name.empty()) return list_all_buckets(s, client);
  const auto name = parse_bucket_or_object(flags.name);
  if (!name) return name.error();
  return for_each_page(client, {.bucket = name->bucket, .prefix = name->key, .delimiter = flags.recursive ? "" : "/"},
    [&](object_page& page) -> result<> {
      print_page(s, page);
      return check_stdout();
    });
}

} // namespace

void add_bucket_commands(CLI::App& storage, command& chosen) {
  const auto flags = std::make_shared<bucket_flags>();

  auto* const mb = add_storage_command(storage, "mb", "Make a bucket", *flags);
  mb->add_option("BUCKET", flags->name, "Its name: 3 to 63 of a-z, 0-9, '-' and '.'")->required();
  mb->footer("Examples:\n  troupe storage mb photos\n  troupe storage mb photos --endpoint https://s3.example.com "
             "--ca-file ca.pem");
  mb->callback([flags, &chosen] {
    chosen = [flags] { return run_session(*flags, "mb " + flags->name, [&](session& s) { return make(s, *flags); }); };
  });

  auto* const rb = add_storage_command(storage, "rb", "Remove a bucket", *flags);
  rb->add_option("BUCKET", flags->name, "Its name")->required();
  rb->add_flag("--force", flags->force, "Remove its objects and unfinished uploads first");
  rb->footer("Examples:\n  troupe storage rb photos\n  troupe storage rb photos --force");
  rb->callback([flags, &chosen] {
    chosen = [flags] {
      return run_session(*flags, "rb " + flags->name, [&](session& s) { return remove(s, *flags); });
    };
  });

  auto* const ls = add_storage_command(storage, "ls", "List the buckets, or the objects of one", *flags);
  ls->add_option("BUCKET[/PREFIX]", flags->name, "What to list; all buckets when absent");
  ls->add_flag("-r,--recursive", flags->recursive, "All objects below the prefix, not only up to the next '/'");
  ls->footer(
    "Examples:\n  troupe storage ls\n  troupe storage ls photos/2026/\n  troupe storage ls photos --recursive --json");
  ls->callback([flags, &chosen] {
    chosen = [flags] {
      return run_session(
        *flags, flags->name.empty() ? "ls" : "ls " + flags->name, [&](session& s) { return list(s, *flags); });
    };
  });
}

} // namespace troupe::cli
