// `troupe storage rm`, `cp`, `stat` and `presign`.
#include "cli/s3_calls.hpp"
#include "cli/server_copy.hpp"
#include "cli/storage.hpp"
#include "codec/units.hpp"

#include <algorithm>
#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace {

struct object_flags : storage_flags {
  std::string name;
  std::string to;
  std::string method = "GET";
  std::uint32_t expires_s = 900;
  bool recursive = false;
  std::string version;
};

result<> remove(session& s, const object_flags& flags) {
  if (!flags.version.empty()) return fail(ec::not_implemented, "--version is not there: buckets keep no versions");
  s3_client client{s.where, {.stop = s.signals.token()}};
  if (!flags.recursive) {
    const auto name = parse_object(flags.name);
    if (!name) return name.error();
    TROUPE_TRY(remove_object(client, *name));
    if (s.json)
      print_json({{"bucket", name->bucket}, {"key", name->key}, {"removed", true}});
    else if (!s.quiet)
      print_line("removed " + shown(name->text()));
    return {};
  }
  const auto name = parse_bucket_or_object(flags.name);
  if (!name) return name.error();
  const auto removed = remove_prefix(client, *name);
  if (!removed) return removed.error();
  if (s.json)
    print_json({{"bucket", name->bucket}, {"prefix", name->key}, {"objects_removed", *removed}});
  else if (!s.quiet)
    print_line("removed " + std::to_string(*removed) + " objects of " + shown(name->text()));
  return {};
}

result<> copy(session& s, const object_flags& flags) {
  const auto from = parse_object(flags.name);
  if (!from) return from.error();
  const auto to = parse_bucket_or_object(flags.to);
  if (!to) return to.error();
  const auto target = completed(*to, from->key);
  const auto copied = server_copy(s.where, s.signals.token(), *from, target);
  if (!copied) return copied.error();
  if (s.json)
    print_json({{"from", from->text()}, {"bucket", target.bucket}, {"key", target.key}, {"bytes", copied->bytes},
      {"etag", copied->etag}});
  else if (!s.quiet)
    print_line(shown(from->text()) + " -> " + shown(target.text()) + "  " + human_bytes(copied->bytes));
  return {};
}

result<> stat(session& s, const object_flags& flags) {
  const auto name = parse_bucket_or_object(flags.name);
  if (!name) return name.error();
  s3_client client{s.where, {.stop = s.signals.token()}};
  const auto facts = head_object(client, *name); // of a bucket when there is no key: then only that it exists
  if (!facts) return facts.error();
  if (s.json) {
    boost::json::object metadata, checksums;
    for (const auto& [key, value] : facts->attributes.metadata) metadata[key] = value;
    for (const auto& [header, value] : facts->headers)
      if (header.starts_with("x-amz-checksum-")) checksums[header.substr(15)] = value;
    boost::json::object out{{"bucket", name->bucket}};
    if (!name->key.empty()) {
      out["key"] = name->key;
      out["size"] = facts->size;
      out["etag"] = facts->etag;
      out["modified"] = facts->modified;
      out["content_type"] = facts->attributes.content_type;
      if (!facts->version_id.empty()) out["version_id"] = facts->version_id;
      out["metadata"] = std::move(metadata);
      out["checksums"] = std::move(checksums);
    }
    print_json(out);
    return {};
  }
  const auto line = [](std::string label, std::string_view value) {
    label.resize(14, ' ');
    print_line(label + shown(value));
  };
  line("bucket", name->bucket);
  if (name->key.empty()) return {};
  line("key", name->key);
  line("size", human_bytes(facts->size) + (facts->size < 1024 ? "" : " (" + std::to_string(facts->size) + " bytes)"));
  line("modified", facts->modified);
  line("etag", facts->etag);
  line("type", facts->attributes.content_type);
  if (!facts->version_id.empty()) line("version", facts->version_id);
  for (const auto& [header, value] : facts->headers)
    if (header.starts_with("x-amz-checksum-"))
      line(header == "x-amz-checksum-type" ? "checksum type" : header.substr(15), value);
  for (const auto& [key, value] : facts->attributes.metadata) line("metadata", key + "=" + value);
  return {};
}

result<> print_presigned(session& s, const object_flags& flags) {
  const auto name = parse_object(flags.name);
  if (!name) return name.error();
  const s3_client client{s.where};
  const auto url = client.presign(flags.method, name->bucket, name->key, flags.expires_s);
  if (!url) return url.error();
  if (s.json)
    print_json({{"url", *url}, {"method", flags.method}, {"expires", flags.expires_s}});
  else
    print_line(*url);
  return {};
}

} // namespace

void add_object_commands(CLI::App& storage, command& chosen) {
  const auto flags = std::make_shared<object_flags>();
  using handler = result<> (*)(session&, const object_flags&);
  const auto runs = [flags, &chosen](CLI::App* app, handler work) {
    const auto name = app->get_name();
    app->callback([flags, name, work, &chosen] {
      chosen = [=] {
        return run_session(*flags, name + ' ' + flags->name, [&](session& s) { return work(s, *flags); });
      };
    });
  };

  auto* const rm = add_storage_command(storage, "rm", "Remove an object, or all below a prefix", *flags);
  rm->add_option("BUCKET/KEY", flags->name, "The object; with --recursive a bucket or prefix")->required();
  rm->add_flag("-r,--recursive", flags->recursive, "Remove everything whose key begins so");
  rm->add_option("--version", flags->version, "Not there: buckets keep no versions")->type_name("ID");
  rm->footer("Examples:\n  troupe storage rm photos/cat.jpg\n  troupe storage rm photos/2026/ --recursive");
  runs(rm, remove);

  auto* const cp = add_storage_command(storage, "cp", "Copy an object inside the server", *flags);
  cp->add_option("SOURCE", flags->name, "BUCKET/KEY")->required();
  cp->add_option(
      "TARGET", flags->to, "BUCKET/KEY; for a bucket or a name that ends with '/', the source's last part is added")
    ->required();
  cp->footer("Type and metadata are copied too. Above 5 GiB it is copied in parts.\n\nExamples:\n  troupe storage cp "
             "photos/cat.jpg backup/cat.jpg\n  troupe storage cp photos/cat.jpg backup");
  runs(cp, copy);

  auto* const facts =
    add_storage_command(storage, "stat", "Show what is known of an object, or that a bucket exists", *flags);
  facts->add_option("BUCKET[/KEY]", flags->name, "The object or bucket")->required();
  facts->footer("Examples:\n  troupe storage stat photos/cat.jpg\n  troupe storage stat photos/cat.jpg --json");
  runs(facts, stat);

  auto* const presign =
    add_storage_command(storage, "presign", "Print a URL that gives anyone access for a while", *flags);
  presign->add_option("BUCKET/KEY", flags->name, "The object; it need not exist")->required();
  presign->add_option("--method", flags->method, "What the URL is for")
    ->capture_default_str()
    ->check(CLI::IsMember({"GET", "PUT", "HEAD", "DELETE"}))
    ->type_name("GET|PUT|HEAD|DELETE");
  presign->add_option("--expires", flags->expires_s, "For how long")
    ->capture_default_str()
    ->check(CLI::Range(1, 604'800))
    ->type_name("SECONDS");
  presign->footer("Examples:\n  curl \"$(troupe storage presign photos/cat.jpg)\" -o cat.jpg\n  curl -T cat.jpg "
                  "\"$(troupe storage presign photos/cat.jpg --method PUT --expires 60)\"");
  runs(presign, print_presigned);
}

} // namespace troupe::cli
