#include "fuzz/session.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>
#include <vector>

#include "fuzz/targets.hpp"
#include "json/value.hpp"
#include "sim/memory_transport.hpp"
#include "util/log.hpp"

namespace fuzz {

namespace {

constexpr std::size_t most_steps = 200'000;
/// Of one script. A whole batch with its answers has half of it.
constexpr std::size_t most_bytes = 100'000;

/// Whether it is one message by itself, and leaves nothing open.
bool is_whole(const std::string& text) {
  std::vector<std::string> found;
  const auto fed = jsonrpc::Framer().feed(text + "\n\n{}", [&found](std::string_view one) {
    found.emplace_back(one);
    return true;
  });
  return fed && found.size() == 2 && found[0] == text && found[1] == "{}";
}

/// How often it stands in the text. Those that overlap count, too.
std::size_t occurrences(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace

Ear::Ear(std::unique_ptr<util::Transport> end, Heard heard) : heard_(std::move(heard)), end_(std::move(end)) {
  end_->start(*this);
}

void Ear::received(std::string_view bytes) {
  const auto fed = framer_.feed(bytes, [this](std::string_view text) {
    auto message = jsonrpc::Message::parse(text);
    require(message.ok(), "the plugin says messages");
    const bool is_json = !message->problem() && !message->flaw();
    heard_(std::move(*message), is_json);
    return true;
  });
  require(fed.ok(), "the plugin says no message without an end");
}

Session::Session() {
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
  util::Connector& connector = *this;
  app_ = std::make_unique<app::App>(*stdio_, connector, time_, std::move(environment));
  app_->start();
  ask(R"({"jsonrpc":"2.0","id":"m","method":"getmanifest","params":{"allow-deprecated-apis":false}})");
  ask(R"({"jsonrpc":"2.0","id":"n","method":"init","params":{"options":{},"configuration":{"lightning-dir":"/l","rpc-file":"r",)"
      R"("startup":true,"network":"regtest","feature_set":{"init":"08a0882a8a59a1","node":"08a0882a8a59a1","channel":"",)"
      R"("invoice":""}}}})");
}

Session::~Session() {
  app_.reset();
  stdio_.reset();
  util::set_log_sink(nullptr);
}

void Session::play(std::string_view script) {
  while (!script.empty() && !ended_) {
    const auto end = std::min(script.find('\n'), script.size());
    script_bytes_ += end;
    play_line(script.substr(0, end));
    script.remove_prefix(std::min(end + 1, script.size()));
    time_.run_for(std::chrono::milliseconds(1), most_steps);
    check_size();
  }
}

// When all are answered, two more rounds show answers that come twice.
void Session::check() {
  for (int round = 0; round < 40 && !ended_ && (round < 2 || owes_an_answer()); ++round) {
    refuse_all();
    time_.run_for(std::chrono::minutes(3), most_steps);
    check_size();
  }
  check_answers();
}

std::size_t Session::answers() const {
  std::size_t sum = 0;
  for (const auto& [id, count] : answers_) sum += count;
  return sum;
}

bool Session::owes_an_answer() const {
  return std::any_of(asked_.begin(), asked_.end(), [this](const auto& asked) {
    const auto found = answers_.find(asked.first);
    return found == answers_.end() || found->second < asked.second;
  });
}

/// Noise may hold requests that nobody can tell here. An answer has the id of its request to the last character, so
/// that each needs a place of its own in what came where that stands. What was asked before the noise is answered all
/// the same.
void Session::check_answers() const {
  require(ended_ || !owes_an_answer(), "a request is answered");
  for (const auto& [id, count] : answers_) {
    require(count <= occurrences(said_, id), "a request is answered once, and only what was asked is answered");
    const auto asked = asked_.find(id);
    require(noise_ || (asked != asked_.end() && count <= asked->second), "a request is answered once");
  }
}

/// Whatever is in flight or waits comes from something that was said to the plugin, or is tried again after a while: so
/// memory is bounded. libFuzzer has a limit of its own for all that is allocated (-rss_limit_mb).
void Session::check_size() const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time_.now()).count();
  const auto most = 200 + script_bytes_ + static_cast<std::size_t>(seconds);
  require(calls_.size() <= most, "the calls in flight are bounded");
  require(time_.pending_timers() <= most, "what waits for its time is bounded");
  require(ended_ || time_.idle(), "the plugin comes to rest");
}

void Session::connect(const std::string& /*path*/,
                      util::Function<void(util::Result<std::unique_ptr<util::Transport>>)> done) {
  time_.post([this, done = std::move(done)]() mutable {
    auto [plugin, ours] = sim::make_pair(time_);
    calls_.clear();
    rpc_ = std::make_unique<Ear>(std::move(ours), [this](jsonrpc::Message message, bool is_json) {
      require(is_json, "the plugin asks in JSON");
      if (!message.raw_id().empty()) calls_.push_back(std::move(message));
    });
    done(std::unique_ptr<util::Transport>(std::move(plugin)));
  });
}

void Session::ask(std::string text) {
  const auto message = jsonrpc::Message::parse(text);
  const bool is_request = message && !message->raw_id().empty() && !message->is_reply() && is_whole(text) &&
                          json::Document::parse(message->raw_id(), "id").ok();
  noise_ = noise_ || !is_request;  // it may swallow what follows
  if (!noise_) ++asked_[message->raw_id()];
  tell(std::move(text) + "\n\n");
}

void Session::tell(std::string text) {
  said_ += text;
  stdin_->say(std::move(text));
}

void Session::told(const jsonrpc::Message& message) {
  if (!message.is_reply()) return;
  ++answers_[message.raw_id()];
  const auto result = message.result();
  if (!result) return;
  ++results_;
  result_ = result->dump();
}

void Session::play_line(std::string_view line) {
  if (line.size() < 2) return line == "x" ? rpc_.reset() : void();
  std::string text(line.substr(2));
  switch (line[0]) {
    case 'i':
      return ask(std::move(text));
    case 'b':
      noise_ = true;
      return tell(std::move(text));
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

void Session::pass(std::string_view seconds) {
  unsigned count = 0;
  std::from_chars(seconds.data(), seconds.data() + seconds.size(), count);
  time_.run_for(std::chrono::seconds(std::min(count, 10'000u)), most_steps);
}

void Session::answer(std::string text) {
  if (!rpc_ || calls_.empty()) return;
  const auto id = calls_.front().raw_id();
  calls_.pop_front();
  for (auto at = text.find('$'); at != std::string::npos; at = text.find('$', at + id.size())) text.replace(at, 1, id);
  rpc_->say(std::move(text) + "\n\n");
}

void Session::refuse_all() {
  while (rpc_ && !calls_.empty()) answer(R"({"jsonrpc":"2.0","id":$,"error":{"code":-1,"message":"no"}})");
}

void session(std::string_view bytes) {
  if (bytes.size() > most_bytes) return;
  Session session;
  session.play(bytes);
  session.check();
}

}  // namespace fuzz
