// The whole plugin on virtual time, with a lightningd that says whatever the bytes are.
//
// Each line is a deed; its first letter tells which:
//   i TEXT   a message on standard input
//   b TEXT   the same bytes without the blank line that ends a message
//   r TEXT   on the RPC socket, with the id of the oldest call that is not answered in place of each $
//   c TEXT   on the RPC socket as it stands
//   t N      so many seconds go by
//   x        lightningd closes the RPC socket
#include <algorithm>
#include <charconv>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/app.hpp"
#include "fuzz/targets.hpp"
#include "json/value.hpp"
#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "sim/memory_transport.hpp"
#include "sim/virtual_time.hpp"
#include "util/log.hpp"

namespace fuzz {

namespace {

constexpr std::size_t most_steps = 200'000;

/// Whether it is one message by itself, and leaves nothing open.
bool is_whole(const std::string& text) {
  std::vector<std::string> found;
  const auto fed = jsonrpc::Framer().feed(text + "\n\n{}", [&found](std::string_view one) {
    found.emplace_back(one);
    return true;
  });
  return fed && found.size() == 2 && found[0] == text && found[1] == "{}";
}

/// The other end of a stream of the plugin's: hears what it says.
class Ear final : public util::Receiver {
 public:
  using Heard = std::function<void(const jsonrpc::Message& message, bool is_json)>;

  Ear(std::unique_ptr<util::Transport> end, Heard heard) : heard_(std::move(heard)), end_(std::move(end)) {
    end_->start(*this);
  }
  void say(std::string text) { end_->send(std::move(text)); }

 private:
  void received(std::string_view bytes) override {
    const auto fed = framer_.feed(bytes, [this](std::string_view text) {
      const auto message = jsonrpc::Message::parse(text);
      require(message.ok(), "the plugin says messages");
      heard_(*message, !message->problem() && !message->flaw());
      return true;
    });
    require(fed.ok(), "the plugin says no message without an end");
  }
  void drained() override {}
  void closed(const std::string& /*reason*/) override {}

  Heard heard_;
  jsonrpc::Framer framer_;
  std::unique_ptr<util::Transport> end_;
};

class Session final : public util::Connector {
 public:
  Session() {
    util::set_log_sink([](util::Level, std::string_view) {});
    auto [plugin, ours] = sim::make_pair(time_);
    stdio_ = std::move(plugin);
    stdin_ = std::make_unique<Ear>(std::move(ours), [this](const jsonrpc::Message& message, bool is_json) {
      require(noise_ || is_json, "the plugin says JSON");
      told(message);
    });
    app::Environment environment;
    environment.lightningd_version = "v26.06.6";
    environment.spenderp_runs = [] { return true; };
    environment.exit = [this](int) { ended_ = true; };
    environment.seed = 1;
    app_ = std::make_unique<app::App>(*stdio_, *this, time_, std::move(environment));
    app_->start();
    ask(R"({"jsonrpc":"2.0","id":"m","method":"getmanifest","params":{"allow-deprecated-apis":false}})");
    ask(R"({"jsonrpc":"2.0","id":"n","method":"init","params":{"options":{},"configuration":{"lightning-dir":"/l","rpc-file":"r",)"
        R"("startup":true,"network":"regtest","feature_set":{"init":"08a0882a8a59a1","node":"08a0882a8a59a1","channel":"",)"
        R"("invoice":""}}}})");
  }
  ~Session() {
    app_.reset();
    stdio_.reset();
    util::set_log_sink(nullptr);
  }

  void play(std::string_view script) {
    while (!script.empty() && !ended_) {
      const auto end = std::min(script.find('\n'), script.size());
      play_line(script.substr(0, end));
      script.remove_prefix(std::min(end + 1, script.size()));
      time_.run_for(std::chrono::milliseconds(1), most_steps);
    }
  }

  /// Every request was answered once, unless something came that is none: what that asks for, or swallows, is not known
  /// here. lightningd answers with errors only from now on.
  void check() {
    for (int round = 0; round < 40 && !ended_; ++round) {
      refuse_all();
      time_.run_for(std::chrono::minutes(3), most_steps);
    }
    if (noise_) return;
    for (const auto& [id, answers] : answers_) {
      require(answers <= asked_[id], "a request is answered once");
      require(ended_ || answers == asked_[id], "a request is answered");
    }
  }

 private:
  void connect(const std::string& /*path*/,
               util::Function<void(util::Result<std::unique_ptr<util::Transport>>)> done) override {
    time_.post([this, done = std::move(done)]() mutable {
      auto [plugin, ours] = sim::make_pair(time_);
      waiting_.clear();
      rpc_ = std::make_unique<Ear>(std::move(ours), [this](const jsonrpc::Message& message, bool is_json) {
        require(is_json, "the plugin asks in JSON");
        if (!message.raw_id().empty()) waiting_.push_back(message.raw_id());
      });
      done(std::unique_ptr<util::Transport>(std::move(plugin)));
    });
  }

  void ask(std::string text) {
    const auto message = jsonrpc::Message::parse(text);
    if (message && !message->raw_id().empty() && !message->is_reply() && is_whole(text) &&
        json::Document::parse(message->raw_id(), "id").ok()) {
      ++asked_[message->raw_id()];
      answers_[message->raw_id()];
    } else {
      noise_ = true;  // it may swallow what follows
    }
    stdin_->say(std::move(text) + "\n\n");
  }

  void told(const jsonrpc::Message& message) {
    if (message.is_reply()) ++answers_[message.raw_id()];
  }

  void play_line(std::string_view line) {
    if (line.size() < 2) return line == "x" ? rpc_.reset() : void();
    std::string text(line.substr(2));
    switch (line[0]) {
      case 'i':
        return ask(std::move(text));
      case 'b':
        noise_ = true;
        return stdin_->say(std::move(text));
      case 'c':
        if (rpc_) rpc_->say(std::move(text));
        return;
      case 't':
        return pass(text);
      case 'r':
        return answer(std::move(text));
      default:
        return;
    }
  }

  void pass(std::string_view seconds) {
    unsigned count = 0;
    std::from_chars(seconds.data(), seconds.data() + seconds.size(), count);
    time_.run_for(std::chrono::seconds(std::min(count, 10'000u)), most_steps);
  }

  void answer(std::string text) {
    if (!rpc_ || waiting_.empty()) return;
    const auto id = std::move(waiting_.front());
    waiting_.pop_front();
    for (auto at = text.find('$'); at != std::string::npos; at = text.find('$', at + id.size()))
      text.replace(at, 1, id);
    rpc_->say(std::move(text) + "\n\n");
  }

  void refuse_all() {
    while (rpc_ && !waiting_.empty()) answer(R"({"jsonrpc":"2.0","id":$,"error":{"code":-1,"message":"no"}})");
  }

  sim::VirtualTime time_;
  std::unique_ptr<util::Transport> stdio_;  // the plugin's end
  std::unique_ptr<Ear> stdin_, rpc_;
  std::deque<std::string> waiting_;  // ids of calls
  std::map<std::string, std::size_t> asked_, answers_;
  bool ended_ = false;
  bool noise_ = false;
  std::unique_ptr<app::App> app_;
};

}  // namespace

void session(std::string_view bytes) {
  if (bytes.size() > 20'000) return;
  Session session;
  session.play(bytes);
  session.check();
}

}  // namespace fuzz
