// `troupe storage put` (`upload`), `get` (`download`) and `cat`.
#include "cli/download.hpp"
#include "cli/part_plan.hpp"
#include "cli/storage.hpp"
#include "cli/upload.hpp"
#include "codec/units.hpp"

#include <cerrno>
#include <chrono>
#include <CLI/CLI.hpp>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe::cli {

namespace {

struct transfer_flags : storage_flags {
  std::string from, to;
  unsigned parallel = 4;
  std::string part_size;
  std::string content_type;
  std::vector<std::string> metadata;
  std::string bucket, key, version; // of upload and download, which name them apart
};

class open_file {
public:
  explicit open_file(const char* path) : fd_(open(path, O_RDONLY | O_CLOEXEC)) {}
  ~open_file() {
    if (fd_ >= 0) close(fd_);
  }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  int fd() const { return fd_; }

private:
  int fd_;
};

class stopwatch {
public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::string speed(std::uint64_t bytes, double seconds) {
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(bytes) / std::max(seconds, 1e-6));
  return human_bytes(bytes) + " in " + human_microseconds(static_cast<std::uint64_t>(seconds * 1e6)) + " (" +
    human_bytes(rate) + "/s)";
}

result<std::uint64_t> part_bytes_of(const transfer_flags& flags) {
  if (flags.part_size.empty()) return std::uint64_t{0};
  const auto bytes = parse_size(flags.part_size);
  if (!bytes || *bytes < part_bytes_default || *bytes > part_bytes_max)
    return fail(ec::bad_argument, "--part-size '" + flags.part_size + "' is not a size from 8MiB to 5GiB");
  return *bytes;
}

result<object_attributes> attributes_of(const transfer_flags& flags) {
  object_attributes attributes{.content_type = flags.content_type, .metadata = {}};
  const auto bad = [](unsigned char c) { return c < 0x20 || c > 0x7e; };
  if (std::ranges::any_of(flags.content_type, bad))
    return fail(ec::bad_argument, "--content-type holds characters that a header cannot");
  for (const auto& pair : flags.metadata) {
    const auto equals = pair.find('=');
    auto name = pair.substr(0, equals);
    const auto usable = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; };
    if (equals == pair.npos || name.empty() || !std::ranges::all_of(name, usable))
      return fail(ec::bad_argument,
        "--metadata '" + pair + "' is not NAME=VALUE with a name of letters, digits, '-', '_' and '.'");
    if (std::ranges::any_of(pair, bad))
      return fail(ec::bad_argument, "the value of --metadata " + name + " must be printable ASCII");
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    attributes.metadata.emplace_back(std::move(name), pair.substr(equals + 1));
  }
  return attributes;
}

result<> put(session& s, const transfer_flags& flags) {
  const auto given = parse_bucket_or_object(flags.to);
  if (!given) return given.error();
  const auto from_stdin = flags.from == "-";
  if (from_stdin && (given->key.empty() || given->key.ends_with('/')))
    return fail(ec::bad_argument, "standard input has no name: write BUCKET/KEY");
  const auto target = completed(*given, flags.from);
  const auto part_bytes = part_bytes_of(flags);
  if (!part_bytes) return part_bytes.error();
  const auto attributes = attributes_of(flags);
  if (!attributes) return attributes.error();

  const open_file file{from_stdin ? "/dev/stdin" : flags.from.c_str()};
  struct stat facts {};
  if (file.fd() < 0 || fstat(file.fd(), &facts) != 0)
    return fail(ec::io_error, "cannot open " + flags.from + ": " + std::strerror(errno));
  if (S_ISDIR(facts.st_mode)) return fail(ec::bad_argument, flags.from + " is a folder; put takes one file");
  const auto regular = S_ISREG(facts.st_mode) && !from_stdin;
  const auto total = regular ? std::optional{static_cast<std::uint64_t>(facts.st_size)} : std::nullopt;

  const stopwatch watch;
  result<upload_report> report = fail(ec::internal, "");
  {
    progress bar{from_stdin ? target.key : last_part(flags.from), total, !s.quiet && stderr_is_terminal()};
    const transfer t{
      .where = s.where, .stop = s.signals.token(), .shown = bar, .parallel = flags.parallel, .part_bytes = *part_bytes};
    report = regular ? upload_file(t, file.fd(), *total, target, *attributes)
                     : upload_stream(t, from_stdin ? STDIN_FILENO : file.fd(), target, *attributes);
  }
  if (!report) return report.error();
  const auto seconds = watch.seconds();
  if (s.json)
    print_json({{"bucket", target.bucket}, {"key", target.key}, {"bytes", report->bytes}, {"parts", report->parts},
      {"etag", report->etag}, {"crc64nvme", report->crc64nvme}, {"seconds", seconds}});
  else if (!s.quiet)
    print_line(shown(flags.from) + " -> " + shown(target.text()) + "  " + speed(report->bytes, seconds) +
      (report->parts == 0 ? "" : ", " + std::to_string(report->parts) + " parts"));
  return {};
}

result<> get(session& s, const transfer_flags& flags) {
  const auto source = parse_object(flags.from);
  if (!source) return source.error();
  const auto part_bytes = part_bytes_of(flags);
  if (!part_bytes) return part_bytes.error();
  const auto to_stdout = flags.to == "-";
  std::filesystem::path path = flags.to.empty() ? "." : flags.to;
  std::error_code unseen;
  if (!to_stdout && (flags.to.ends_with('/') || std::filesystem::is_directory(path, unseen))) {
    const auto name = last_part(source->key);
    // A key is the bucket owner's text: it must not choose a place outside the folder.
    if (name.empty() || name == "." || name == "..")
      return fail(ec::bad_argument, "the key's last part is not a file name: name the FILE to write");
    path /= name;
  }

  const stopwatch watch;
  s3_client client{s.where, {.stop = s.signals.token()}};
  const auto facts = head_object(client, *source);
  if (!facts) return facts.error();
  result<download_report> report = fail(ec::internal, "");
  {
    progress bar{last_part(source->key), facts->size,
      !s.quiet && stderr_is_terminal() && !(to_stdout && isatty(STDOUT_FILENO) == 1)};
    const transfer t{
      .where = s.where, .stop = s.signals.token(), .shown = bar, .parallel = flags.parallel, .part_bytes = *part_bytes};
    report = to_stdout ? download_stream(t, *source, *facts, STDOUT_FILENO) : download_file(t, *source, *facts, path);
  }
  if (!report) return report.error();
  if (to_stdout) return {};
  const auto seconds = watch.seconds();
  if (s.json)
    print_json({{"bucket", source->bucket}, {"key", source->key}, {"file", path.string()}, {"bytes", report->bytes},
      {"etag", report->etag}, {"checked_by", report->checked_by}, {"seconds", seconds}});
  else if (!s.quiet)
    print_line(shown(source->text()) + " -> " + shown(path.string()) + "  " + speed(report->bytes, seconds) +
      ", checked by " + report->checked_by);
  return {};
}

// upload BUCKET FILE [--key KEY] and download BUCKET KEY [FILE]: put and get with their arguments in another order.
void add_other_names(CLI::App& storage, command& chosen, const std::shared_ptr<transfer_flags>& flags) {
  auto* const upload = add_storage_command(storage, "upload", "Put a file into a bucket (put)", *flags);
  upload->add_option("BUCKET", flags->bucket, "The bucket")->required();
  upload->add_option("FILE", flags->from, "The file; - for standard input")->required();
  upload->add_option("--key", flags->key, "The object's key; the file's name when absent")->type_name("KEY");
  upload->footer(
    "Examples:\n  troupe storage upload photos cat.jpg\n  troupe storage upload photos cat.jpg --key 2026/cat.jpg");
  upload->callback([flags, &chosen] {
    flags->to = flags->bucket + '/' + flags->key;
    chosen = [flags] { return run_session(*flags, "upload " + flags->to, [&](session& s) { return put(s, *flags); }); };
  });

  auto* const download = add_storage_command(storage, "download", "Get an object of a bucket (get)", *flags);
  download->add_option("BUCKET", flags->bucket, "The bucket")->required();
  download->add_option("KEY", flags->key, "The object's key")->required();
  download->add_option("FILE", flags->to, "The file or folder to write; - for standard output");
  download->add_option("--version", flags->version, "Not there: buckets keep no versions")->type_name("ID");
  download->footer(
    "Examples:\n  troupe storage download photos 2026/cat.jpg\n  troupe storage download photos cat.jpg copy.jpg");
  download->callback([flags, &chosen] {
    flags->from = flags->bucket + '/' + flags->key;
    chosen = [flags] {
      return run_session(*flags, "download " + flags->from, [&](session& s) -> result<> {
        if (!flags->version.empty())
          return fail(ec::not_implemented, "--version is not there: buckets keep no versions");
        return get(s, *flags);
      });
    };
  });
}

} // namespace

void add_transfer_commands(CLI::App& storage, command& chosen) {
  const auto flags = std::make_shared<transfer_flags>();
  const auto add_parallel = [&](CLI::App* app) {
    app->add_option("--parallel", flags->parallel, "How many parts at a time, when it is large")
      ->capture_default_str()
      ->check(CLI::Range(1, 64))
      ->type_name("N");
    app->add_option("--part-size", flags->part_size, "Bytes a part: 8MiB to 5GiB; chosen by size when absent")
      ->type_name("SIZE");
  };

  auto* const upload = add_storage_command(storage, "put", "Put a file or standard input into an object", *flags);
  upload->add_option("FILE", flags->from, "The file; - for standard input")->required();
  upload
    ->add_option(
      "BUCKET/KEY", flags->to, "The object; for a bucket or a name that ends with '/', the file's name is added")
    ->required();
  upload->add_option("--content-type", flags->content_type, "Its media type")->type_name("TYPE");
  upload->add_option("--metadata", flags->metadata, "Metadata to keep with it; may be given again")
    ->type_name("NAME=VALUE")
    ->allow_extra_args(false);
  add_parallel(upload);
  upload->footer("Above 16 MiB it goes up in parts. The server checks the CRC64NVME of every request. An upload that "
                 "fails leaves nothing.\n\nExamples:\n"
                 "  troupe storage put cat.jpg photos/cat.jpg --content-type image/jpeg --metadata camera=x100\n  tar "
                 "c src | troupe storage put - backup/src.tar --parallel 8");
  upload->callback([flags, &chosen] {
    chosen = [flags] { return run_session(*flags, "put " + flags->to, [&](session& s) { return put(s, *flags); }); };
  });

  auto* const download = add_storage_command(storage, "get", "Get an object into a file or to standard output", *flags);
  download->add_option("BUCKET/KEY", flags->from, "The object")->required();
  download->add_option(
    "FILE", flags->to, "The file or folder to write; - for standard output; the key's last part when absent");
  add_parallel(download);
  download->footer(
    "FILE appears only when it is complete and its checksum is right; until then there is FILE.part.\n\nExamples:\n"
    "  troupe storage get photos/cat.jpg\n  troupe storage get backup/src.tar - | tar x");
  download->callback([flags, &chosen] {
    chosen = [flags] { return run_session(*flags, "get " + flags->from, [&](session& s) { return get(s, *flags); }); };
  });

  auto* const cat = add_storage_command(storage, "cat", "Write an object to standard output", *flags);
  cat->add_option("BUCKET/KEY", flags->from, "The object")->required();
  cat->footer("Examples:\n  troupe storage cat photos/list.txt | wc -l");
  cat->callback([flags, &chosen] {
    flags->to = "-";
    chosen = [flags] { return run_session(*flags, "cat " + flags->from, [&](session& s) { return get(s, *flags); }); };
  });
  add_other_names(storage, chosen, flags);
}

} // namespace troupe::cli
