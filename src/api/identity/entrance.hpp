// entrance: who comes in at a front door that has a table of routes (api/surface.hpp), and what they may do there. One proof a
// request (authenticator.hpp); signatures in headers only: a link that carries one can be passed on.
#pragma once

#include "api/identity/authenticator.hpp"

#include <string>
#include <string_view>

namespace troupe {

struct entrance_rules {
  std::string service = "troupe"; // that signatures are made for; any region
  http::signed_path path = http::signed_path::as_s3;
  bool signed_bodies = false; // a signature has to cover the body: UNSIGNED-PAYLOAD is refused where one is read
  bool open = false;          // who shows no proof may do everything: for ports that no other machine reaches
};

// Whoever sent the request at hand.
class caller {
public:
  // Of a port or a route that is open: nothing is refused.
  explicit caller(http::request& rq) : rq_(&rq) {}
  // `must_cover_body`: their signature, if they have one.
  caller(http::request& rq, const identity_gate& gate, authenticated from, bool must_cover_body);

  // Throws ec::access_denied unless they may; an empty bucket is the cluster itself, of which roles alone decide. What was
  // asked last is what the audit log tells.
  void require(identity::action, std::string_view bucket, std::string_view key = {}) const;
  // Of one of many keys: asked without being told, unless they may not.
  void require_also(identity::action, std::string_view bucket, std::string_view key) const;
  // For the audit log: what a key has become that was not known when it was asked for.
  void acts_on(std::string_view bucket, std::string_view key) const;
  bool is_shown(std::string_view bucket) const; // may know that it is there
  void require_shown(std::string_view bucket) const;

  // The SHA-256 that they say the body has, in hex of lower case; empty: they leave it open.
  const std::string& sha256() const { return sha256_; }
  // The body is not covered by their signature, and has to be.
  bool leaves_body_open() const { return must_cover_body_ && sha256_.empty(); }

private:
  http::request* rq_;
  const identity_gate* gate_ = nullptr; // null: open
  identity::principal who_;
  std::string sha256_;
  bool must_cover_body_ = false;
};

class entrance {
public:
  entrance(const identity_gate& gate, entrance_rules rules); // the gate outlives it
  // Before anything is looked up or read. Throws api_error.
  caller admit(http::request&);

private:
  const identity_gate& gate_;
  entrance_rules rules_;
  authenticator who_sent_;
};

} // namespace troupe
