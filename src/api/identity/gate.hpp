// identity_gate: who somebody is, by what they show, and what they may do: for every front door of a process. Looks in what the
// IDENTITY KEEPER read last; a call waits for nothing. Which way of proof a request uses: authenticator.hpp.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "codec/jwk.hpp"
#include "core/identity/snapshot.hpp"
#include "core/identity/token_rules.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

// The keys that tokens are verified with, as they are now. Any number of threads.
class token_keys {
public:
  virtual ~token_keys() = default;
  virtual std::shared_ptr<const jwk_set> get() const = 0; // nothing while there are none
  // A token named a key that is not there: its issuer may have new ones.
  virtual void missed() {}
};

struct identity_gate_options {
  std::string root_key, root_secret;             // the built-in admin; empty: there is none
  std::shared_ptr<const identity::holder> known; // empty: only root is known
  std::shared_ptr<token_keys> keys;              // empty: no tokens
  identity::token_rules tokens;
  const wall_clock* clock = nullptr;
};

class identity_gate {
public:
  explicit identity_gate(identity_gate_options);

  // The secret of a SigV4 key that may be used now.
  std::optional<std::string> secret_of(std::string_view access_key) const;

  // ec::invalid_access_key_id, ec::access_denied; ec::unavailable while nothing is known yet.
  result<identity::principal> of_access_key(std::string_view access_key) const; // whose signature was verified
  result<identity::principal> of_api_key(std::string_view text) const;          // "ID.SECRET"
  result<identity::principal> of_token(std::string_view text) const;

  bool allows(const identity::principal&, const identity::request&) const;
  // The same as an outcome: ec::access_denied, which says who may not do what.
  result<> authorise(const identity::principal&, const identity::request&) const;
  // Whether they may know that a bucket is there.
  bool shows(const identity::principal&, std::string_view bucket) const;

  const wall_clock& clock() const { return *options_.clock; }
  bool ready() const { return !options_.known || options_.known->get() != nullptr; }

private:
  std::shared_ptr<const identity::snapshot> known() const;
  identity_gate_options options_;
};

} // namespace troupe
