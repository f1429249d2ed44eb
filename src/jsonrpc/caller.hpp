#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "util/function.hpp"
#include "util/result.hpp"
#include "util/rope.hpp"
#include "util/transport.hpp"

namespace jsonrpc {

/// What a call answers: a view of `result` (valid during the callback only), or an error.
using OnReply = util::Function<void(util::Result<json::Value>)>;

/// Makes calls to lightningd over one connection and hands each its reply. Lives as long as the
/// plugin. Every call gets exactly one reply: the peer's, or an error with code `lost` when the
/// connection broke while it was in flight (it may or may not have been carried out), or code
/// `unsent` when it never left (no connection), or code `unreadable` when its reply cannot be read (it may or may not
/// have been carried out). A reply whose id cannot be read is logged and skipped: its call waits on. Whoever does not
/// want a reply any more passes a guarded callback (spark::Scope::guard); the caller itself has no cancelling.
///
/// Connects at the first start() and again after a loss, at the next call. Requests are written in
/// order; at most `window` bytes of them are with the transport at a time.
class Caller final : private util::Receiver {
 public:
  /// Codes of our own, outside lightningd's ranges.
  static constexpr int lost = -32090;
  static constexpr int unsent = -32091;
  static constexpr int unreadable = -32092;
  static constexpr std::size_t window = std::size_t{8} << 20;

  Caller(util::Connector& connector, std::string path);
  ~Caller();
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  /// Connects now, so that the connection exists before lightningd's listener closes at shutdown.
  void start();

  /// `origin` is the raw id of the command this belongs to ("" for our own business): the id sent
  /// is "<origin>/multifundchannel:<method>#<n>", unique for the life of the process. An origin that is no JSON is left
  /// out.
  /// `params` is the JSON text of an object or array. `filter`, when not empty, is the JSON text of
  /// what lightningd is to leave in the result (lightningd-rpc(7), FILTERS).
  void call(std::string_view origin, std::string_view method, util::Rope params, OnReply then,
            std::string_view filter = {});

  /// Calls sent or queued whose reply is still to come.
  [[nodiscard]] std::size_t in_flight() const { return pending_.size() + unsent_.size(); }

 private:
  struct Request {
    std::uint64_t number;
    util::Rope text;
    std::string method;
    OnReply then;
  };
  struct Pending {
    std::string method;
    OnReply then;
  };

  void received(std::string_view bytes) override;
  void drained() override;
  void closed(const std::string& reason) override;

  void connect();
  void connected(util::Result<std::unique_ptr<util::Transport>> transport);
  void pump();
  [[nodiscard]] bool dispatch(std::string_view text);
  void fail_all(const std::string& sent, const std::string& queued);

  util::Connector& connector_;
  std::string path_;
  std::unique_ptr<util::Transport> transport_;
  std::unique_ptr<Framer> framer_;
  bool connecting_ = false;
  std::uint64_t next_ = 1;
  std::deque<Request> unsent_;
  std::map<std::uint64_t, Pending> pending_;
  std::shared_ptr<bool> alive_;  // false once destroyed: a callback may destroy us
};

}  // namespace jsonrpc
