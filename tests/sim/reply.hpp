#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "util/function.hpp"
#include "util/result.hpp"

namespace sim {

/// The right to answer one RPC. Move-only. Dropping it unanswered is allowed: lightningd does so with
/// some commands, and whoever waits then waits for ever.
class Reply {
 public:
  using Deliver = util::Function<void(util::Result<std::string>)>;
  using Notify = util::Function<void(std::string_view method, std::string_view params_json)>;

  Reply() = default;
  explicit Reply(Deliver deliver, Notify notify = nullptr) : deliver_(std::move(deliver)), notify_(std::move(notify)) {}

  /// Not answered yet.
  explicit operator bool() const { return static_cast<bool>(deliver_); }

  void succeed(std::string result_json) { finish(std::move(result_json)); }
  void fail(int code, std::string message) { finish(util::Error{code, std::move(message), ""}); }
  /// Does nothing when it was answered before.
  void finish(util::Result<std::string> result) {
    notify_ = nullptr;
    if (Deliver deliver = std::exchange(deliver_, nullptr)) deliver(std::move(result));
  }
  /// A `message` or `progress` notification for the caller, if it wants those.
  void notify(std::string_view method, std::string_view params_json) {
    if (notify_) notify_(method, params_json);
  }

 private:
  Deliver deliver_;
  Notify notify_;
};

}  // namespace sim
