#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "app/app.hpp"
#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "sim/virtual_time.hpp"
#include "util/transport.hpp"

namespace fuzz {

/// The other end of a stream of the plugin's: hears what it says.
class Ear final : private util::Receiver {
 public:
  using Heard = std::function<void(jsonrpc::Message message, bool is_json)>;

  Ear(std::unique_ptr<util::Transport> end, Heard heard);
  void say(std::string text) { end_->send(std::move(text)); }

 private:
  void received(std::string_view bytes) override;
  void drained() override {}
  void closed(const std::string& /*reason*/) override {}

  Heard heard_;
  jsonrpc::Framer framer_;
  std::unique_ptr<util::Transport> end_;
};

/// The whole plugin on virtual time, with a lightningd that says whatever a script has. Each line of it is a deed; its
/// first letter tells which:
///   i TEXT   a message on standard input
///   b TEXT   the same bytes without the blank line that ends a message
///   r TEXT   on the RPC socket, with the id of the oldest call that is not answered in place of each $
///   c TEXT   on the RPC socket as it stands
///   t N      so many seconds go by
///   x        lightningd closes the RPC socket
class Session final : private util::Connector {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void play(std::string_view script);
  /// lightningd answers with errors only from now on. Ends the process unless each request got its answer, and only
  /// one, and the plugin holds no more than what it was given explains.
  void check();

  /// The oldest call that is not answered; nullptr when there is none.
  [[nodiscard]] const jsonrpc::Message* oldest_call() const { return calls_.empty() ? nullptr : &calls_.front(); }
  /// How many requests were answered, and how many of them with a result.
  [[nodiscard]] std::size_t answers() const;
  [[nodiscard]] std::size_t results() const { return results_; }
  /// The latest result, as JSON text.
  [[nodiscard]] const std::string& result() const { return result_; }

 private:
  void connect(const std::string& path,
               util::Function<void(util::Result<std::unique_ptr<util::Transport>>)> done) override;
  void ask(std::string text);
  void tell(std::string text);
  void told(const jsonrpc::Message& message);
  void play_line(std::string_view line);
  void pass(std::string_view seconds);
  void answer(std::string text);
  void refuse_all();
  [[nodiscard]] bool owes_an_answer() const;
  void check_answers() const;
  void check_size() const;

  sim::VirtualTime time_;
  std::unique_ptr<util::Transport> stdio_;  // the plugin's end
  std::unique_ptr<Ear> stdin_, rpc_;
  std::deque<jsonrpc::Message> calls_;          // of the plugin, not answered
  std::map<std::string, std::size_t> asked_;    // raw ids of requests before any noise
  std::map<std::string, std::size_t> answers_;  // likewise of answers
  std::size_t results_ = 0;
  std::string result_;
  std::string said_;  // all that came on standard input
  std::size_t script_bytes_ = 0;
  bool ended_ = false;
  bool noise_ = false;  // something came that is no request: what it asks for, or swallows, is not known here
  std::unique_ptr<app::App> app_;
};

}  // namespace fuzz
