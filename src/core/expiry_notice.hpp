// expiry_notice: when an operator is to be told that something ends: at the first look, when it was replaced, when its end comes
// near or has passed, and from then on once a day. Times are parameters; nothing waits or logs here.
#pragma once

#include "base/environment.hpp"

#include <cstdint>

namespace troupe {

class expiry_notice {
public:
  enum class word : std::uint8_t {
    none, // nothing that was not said already
    valid,
    near, // it ends in less than `ahead`
    past,
  };

  explicit expiry_notice(unix_ms ahead) : ahead_(ahead) {}

  // `replaced`: say how it is, whatever was said before. A clock that was set back says it again.
  word look(unix_ms end, unix_ms now, bool replaced = false) {
    const auto is = end <= now ? word::past : end - now < ahead_ ? word::near : word::valid;
    const bool known = is == said_ && end == end_ && !replaced;
    if (known && (is == word::valid || (now >= said_at_ && now - said_at_ < day_ms))) return word::none;
    said_ = is;
    end_ = end;
    said_at_ = now;
    return is;
  }

private:
  static constexpr unix_ms day_ms = 86'400'000;
  unix_ms ahead_;
  word said_ = word::none;
  unix_ms end_ = 0, said_at_ = 0;
};

} // namespace troupe
