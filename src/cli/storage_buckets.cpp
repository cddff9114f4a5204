// `troupe storage mb`, `rb`, `ls` and `list`.
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
  bool is_public = false;
  std::uint64_t limit = 0;  // entries to print; 0: all
  std::uint64_t offset = 0; // entries to pass over first
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
  if (flags.is_public)
    return fail(ec::not_implemented,
      "--public is not there: every request is signed; `troupe storage presign` makes a "
      "link for others");
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

// Which entries of a listing are printed.
class window {
public:
  explicit window(const bucket_flags& flags)
      : skip_(flags.offset), left_(flags.limit == 0 ? UINT64_MAX : flags.limit) {}
  bool takes() {
    if (left_ == 0) return false;
    if (skip_ != 0) return --skip_, false;
    --left_;
    return true;
  }
  bool done() const { return left_ == 0; }

private:
  std::uint64_t skip_, left_;
};

result<> list_all_buckets(session& s, s3_client& client, window shown_ones) {
  const auto buckets = list_buckets(client);
  if (!buckets) return buckets.error();
  for (const auto& bucket : *buckets) {
    if (!shown_ones.takes()) continue;
    if (s.json)
      print_json({{"bucket", bucket.name}, {"created", bucket.created}});
    else
      print_line(shown_time(bucket.created) + "  " + shown(bucket.name));
  }
  return {};
}

void print_page(const session& s, const object_page& page, window& shown_ones) {
  for (const auto& prefix : page.prefixes) {
    if (!shown_ones.takes()) continue;
    if (s.json)
      print_json({{"prefix", prefix}});
    else
      print_line(std::string(19, ' ') + "        DIR  " + shown(prefix));
  }
  for (const auto& object : page.objects) {
    if (!shown_ones.takes()) continue;
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
  window shown_ones{flags};
  if (flags.name.empty()) return list_all_buckets(s, client, shown_ones);
  const auto name = parse_bucket_or_object(flags.name);
  if (!name) return name.error();
  bool cut = false;
  auto listed =
    for_each_page(client, {.bucket = name->bucket, .prefix = name->key, .delimiter = flags.recursive ? "" : "/"},
      [&](object_page& page) -> result<> {
        print_page(s, page, shown_ones);
        TROUPE_TRY(check_stdout());
        cut = shown_ones.done();
        return cut ? result<>{fail(ec::closed, "enough")} : result<>{}; // ends the walk
      });
  return cut ? result<>{} : listed;
}

// ls, and list: the same with everything below a prefix, as its users know it.
void add_listing(CLI::App& storage, command& chosen, const std::shared_ptr<bucket_flags>& flags, bool flat) {
  const std::string name = flat ? "list" : "ls";
  auto* const added = add_storage_command(storage, name,
    flat ? "List the buckets, or all objects of one (ls --recursive)" : "List the buckets, or the objects of one",
    *flags);
  added->add_option("BUCKET[/PREFIX]", flags->name, "What to list; all buckets when absent");
  if (!flat)
    added->add_flag("-r,--recursive", flags->recursive, "All objects below the prefix, not only up to the next '/'");
  added->add_option("--limit", flags->limit, "At most so many; all when absent")->type_name("N");
  added->add_option("--offset", flags->offset, "Pass over so many first")->type_name("N");
  added->footer("Examples:\n  troupe storage " + name + "\n  troupe storage " + name +
    " photos/2026/\n  troupe storage " + name + " photos --limit 10 --json");
  added->callback([flags, name, flat, &chosen] {
    chosen = [flags, name, flat] {
      if (flat) flags->recursive = true;
      return run_session(
        *flags, flags->name.empty() ? name : name + ' ' + flags->name, [&](session& s) { return list(s, *flags); });
    };
  });
}

} // namespace

void add_bucket_commands(CLI::App& storage, command& chosen) {
  const auto flags = std::make_shared<bucket_flags>();

  auto* const mb = add_storage_command(storage, "mb", "Make a bucket", *flags);
  mb->add_option("BUCKET", flags->name, "Its name: 3 to 63 of a-z, 0-9, '-' and '.'")->required();
  mb->add_flag("--public", flags->is_public, "Not there: every request is signed");
  mb->footer("Examples:\n  troupe storage mb photos\n  troupe storage mb photos --endpoint https://s3.example.com "
             "--ca-cert ca.pem");
  mb->callback([flags, &chosen] {
    chosen = [flags] { return run_session(*flags, "mb " + flags->name, [&](session& s) { return make(s, *flags); }); };
  });

  auto* const rb = add_storage_command(storage, "rb", "Remove a bucket", *flags);
  rb->add_option("BUCKET", flags->name, "Its name")->required();
  rb->add_flag("-f,--force", flags->force, "Remove its objects and unfinished uploads first");
  rb->footer("Examples:\n  troupe storage rb photos\n  troupe storage rb photos --force");
  rb->callback([flags, &chosen] {
    chosen = [flags] {
      return run_session(*flags, "rb " + flags->name, [&](session& s) { return remove(s, *flags); });
    };
  });

  add_listing(storage, chosen, flags, false);
  add_listing(storage, chosen, flags, true);
}

} // namespace troupe::cli
