// Writes the sessions of the corpus in which lightningd answers as it should: it asks the simulated one. The plugin
// asks for other things as it grows, so they have to be written again from time to time.
//
// usage: fuzz_record CORPUS_DIR           writes session/played_NAME
//        fuzz_record --check CORPUS_DIR   fails when a session of the corpus does not get the answers any more
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/session.hpp"
#include "json/value.hpp"
#include "jsonrpc/message.hpp"
#include "sim/node.hpp"
#include "sim/virtual_time.hpp"
#include "util/str.hpp"

namespace {

namespace fs = std::filesystem;
using util::str;

/// The plugin and a simulated lightningd, each on a time of its own: a call is answered before the next is looked at,
/// as a script does it.
class Play {
 public:
  explicit Play(sim::Setup setup) : node_(time_, std::move(setup)) {
    node_.core().publish = [this](const std::string& topic, const std::string& payload) {
      if (topic != "block_added" && topic != "disconnect" && topic != "channel_state_changed") return;
      told_.push_back(str(R"(i {"jsonrpc":"2.0","method":")", topic, R"(","params":{")", topic, "\":", payload, "}}"));
    };
    start();
  }

  /// The plugin starts anew, and so does the script: what was before is in the records alone.
  void start() {
    session_.emplace();
    script_.clear();
    wait(0);
  }

  /// Asks the plugin, and goes on until it has answered.
  void ask(const std::string& method, const std::string& params) {
    const auto before = session_->answers();
    line(str(R"(i {"jsonrpc":"2.0","id":"q)", before, R"(","method":")", method, R"(","params":)", params, "}"));
    answer_calls();
    for (int i = 0; i < 60 && session_->answers() == before; ++i) wait(10);
  }
  /// Likewise, but goes on no further than to the first call of this method: there the plugin is killed.
  void ask_until(const std::string& last, const std::string& method, const std::string& params) {
    line(str(R"(i {"jsonrpc":"2.0","id":"q","method":")", method, R"(","params":)", params, "}"));
    answer_calls(last);
    start();
  }
  void wait(int seconds) {
    line(str("t ", seconds));
    answer_calls();
  }
  void mine(std::uint32_t blocks) {
    node_.mine(blocks);
    answer_calls();
  }

  [[nodiscard]] std::string id_of(std::string_view peer) { return node_.core().peers.by_name(peer)->id.hex(); }
  /// The batch that has a record.
  [[nodiscard]] std::string batch() {
    for (const auto& [key, record] : node_.datastore().entries()) {
      if (key.size() == 3) return key[2];
    }
    return "none";
  }
  /// A member of the latest result.
  [[nodiscard]] std::string field(std::string_view name) const {
    const auto document = json::Document::parse(session_->result(), "result");
    const auto text = document ? document->root().string(name) : util::Result<std::string_view>(util::Error{});
    return text ? std::string(*text) : "none";
  }
  [[nodiscard]] sim::UsersWallet& users() { return node_.core().users; }
  [[nodiscard]] std::size_t results() const { return session_->results(); }
  [[nodiscard]] const std::string& script() const { return script_; }

 private:
  void line(const std::string& text) {
    script_ += text + "\n";
    session_->play(text);
  }

  void answer_calls(std::string_view last = {}) {
    while (true) {
      for (const auto& told : std::exchange(told_, {})) line(told);
      const auto* call = session_->oldest_call();
      if (!call || call->method() == last) return;
      line("r " + answer_to(*call));
    }
  }

  std::string answer_to(const jsonrpc::Message& call) {
    const auto filter = call.filter();
    const auto wanted = filter ? sim::Filter(*filter) : sim::Filter();
    const auto method = call.method();
    if (!node_.has(method)) return refusal({-32601, str("Unknown command '", method, "'"), {}});
    std::optional<util::Result<std::string>> answer;
    node_.call(method, call.params(), wanted, sim::Reply([&answer](auto result) { answer = std::move(result); }));
    for (int i = 0; i < 600 && !answer; ++i) time_.run_for(std::chrono::milliseconds(100));
    if (!answer) return refusal({-1, "timed out", {}});
    if (!*answer) return refusal(answer->error());
    return str(R"({"jsonrpc":"2.0","id":$,"result":)", **answer, "}");
  }

  static std::string refusal(const util::Error& error) {
    auto text = jsonrpc::error_text("$", error);
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }

  sim::VirtualTime time_;
  sim::Node node_;
  std::optional<fuzz::Session> session_;
  std::string script_;
  std::vector<std::string> told_;
};

sim::Setup with_peers(std::vector<sim::Fault> faults_of_b = {}) {
  sim::Setup setup;
  setup.coins.resize(2);
  setup.users_coins = {bitcoin::Sat{10'000'000}};
  for (const auto* name : {"a", "b"}) setup.peers.emplace_back().name = name;
  setup.peers[1].faults = std::move(faults_of_b);
  return setup;
}

std::string both(Play& play, std::string_view more) {
  return str(R"({"destinations":[{"id":")", play.id_of("a"), R"(","amount":1000000},{"id":")", play.id_of("b"),
             R"(","amount":500000}])", more, "}");
}

void open(Play& play, std::string_view more = "") { play.ask("multifundchannel-spark", both(play, more)); }

std::string of_batch(Play& play, std::string_view more = "") {
  return str(R"({"batch":")", play.batch(), '"', more, "}");
}

struct Scene {
  const char* name;
  sim::Setup setup;
  void (*act)(Play& play);
};

/// The batch waits for its user, or for the signature of another wallet.
void prepare(Play& play) { open(play, R"(,"send":false)"); }
void prepare_users(Play& play) {
  play.ask("multifundchannel-prepare", both(play, str(R"(,"psbt":")", play.users().psbt(true), '"')));
}

constexpr auto confirmed = R"(,"confirm":true)";

std::vector<Scene> scenes() {
  std::vector<Scene> all;
  const auto add = [&all](const char* name, void (*act)(Play & play), std::vector<sim::Fault> faults_of_b = {}) {
    all.push_back({name, with_peers(std::move(faults_of_b)), act});
  };
  const auto open_one = [](Play& play) { open(play, R"(,"minchannels":1,"details":true)"); };
  add("opened", [](Play& play) {
    open(play, R"(,"label":"rent")");
    open(play, R"(,"label":"rent")");
    play.ask("listmultifundchannels", "{}");
  });
  add("refused", open_one, {{sim::Phase::start, sim::Kind::refuse}});
  add("lost", open_one, {{sim::Phase::complete, sim::Kind::disconnect}});
  add("all_fail", [](Play& play) { open(play); }, {{sim::Phase::complete, sim::Kind::refuse}});
  add("preview", [](Play& play) { open(play, R"(,"dryrun":"ask")"); });
  add("finished", [](Play& play) {
    prepare(play);
    play.ask("listmultifundchannels", "{}");
    play.ask("multifundchannel-finish", of_batch(play));
  });
  add("aborted", [](Play& play) {
    prepare(play);
    play.ask("multifundchannel-abort", of_batch(play));
    play.ask("multifundchannel-abort", of_batch(play, confirmed));
  });
  add("forgotten", [](Play& play) {
    prepare(play);
    play.ask("multifundchannel-forget", of_batch(play));
    play.ask("multifundchannel-forget", of_batch(play, confirmed));
  });
  add("signed_elsewhere", [](Play& play) {
    prepare_users(play);
    const auto psbt = play.users().sign(play.field("psbt"));
    play.ask("multifundchannel-finish", of_batch(play, str(R"(,"psbt":")", psbt, '"')));
  });
  add("bumped", [](Play& play) {
    open(play, R"(,"feerate":"253perkw")");
    const auto bump = str(R"({"batch":")", play.field("txid"), R"(","feerate":"5000perkw")");
    play.ask("multifundchannel-bump", bump + R"(,"dryrun":true})");
    play.ask("multifundchannel-bump", bump + "}");
    play.ask("listmultifundchannels", "{}");
    play.mine(1);
    play.wait(60);
  });
  // The plugin finds the record of a batch that a crash has left.
  add("left_early", [](Play& play) {
    play.ask_until("fundchannel_complete", "multifundchannel-spark", both(play, ""));
    play.wait(60);
    play.ask("listmultifundchannels", "{}");
  });
  add("left_late", [](Play& play) {
    play.ask_until("sendpsbt", "multifundchannel-spark", both(play, ""));
    play.wait(60);
    play.ask("listmultifundchannels", "{}");
  });
  add("impossible", [](Play& play) {
    open(play);
    play.ask("multifundchannel-abort", of_batch(play));
    play.ask("multifundchannel-abort", of_batch(play, confirmed));
    for (int blocks = 0; blocks < 7; ++blocks) {
      play.wait(600);
      play.mine(1);
    }
    play.ask("listmultifundchannels", "{}");
  });
  all.back().setup.broadcasts = std::vector<sim::Broadcast>(2, sim::Broadcast::refused);
  return all;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whether the session of the corpus is answered as well as the one that is played now.
bool check(const Scene& scene, const Play& play, const fs::path& path) {
  fuzz::Session session;
  session.play(read(path));
  const auto results = session.results();
  std::printf("%s: %zu results, %zu expected\n", scene.name, results, play.results());
  return results == play.results();
}

}  // namespace

int main(int argc, char** argv) {
  const bool checks = argc == 3 && std::string(argv[1]) == "--check";
  if (argc != (checks ? 3 : 2)) return 2;
  const fs::path corpus = argv[argc - 1];
  bool fine = true;
  for (const auto& scene : scenes()) {
    Play play(scene.setup);
    scene.act(play);
    const auto path = corpus / "session" / (std::string("played_") + scene.name);
    if (checks) {
      fine = check(scene, play, path) && fine;
      continue;
    }
    std::printf("%s: %zu results\n", scene.name, play.results());
    std::ofstream(path, std::ios::binary) << play.script();
  }
  return fine ? 0 : 1;
}
