#include "sim/scenario.hpp"

#include <optional>
#include <utility>

#include "json/value.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

/// Reads the file's parts; the first bad one stays as the error.
class Reader {
 public:
  explicit Reader(double delay_scale) : delay_scale_(delay_scale) {}

  [[nodiscard]] const std::optional<util::Error>& error() const { return error_; }

  Setup setup(const json::Value& root) {
    Setup setup;
    setup.seed = number(root, "seed", setup.seed);
    setup.opening_feerate = static_cast<std::uint32_t>(number(root, "feerate", setup.opening_feerate));
    setup.feerate_floor = static_cast<std::uint32_t>(number(root, "floor", setup.feerate_floor));
    setup.features = text(root, "features", setup.features);
    if (const auto wallet = root.find("wallet")) setup.coins = coins(*wallet);
    if (const auto sat = root.find("users_coin")) setup.users_coins = {bitcoin::Sat{sat->u64() ? *sat->u64() : 0}};
    if (const auto options = root.find("options")) {
      for (const auto& [name, value] : options->members()) setup.options.emplace(name, value.dump());
    }
    if (const auto peers = root.find("peers")) {
      for (const auto& peer : peers->elements()) setup.peers.push_back(read_peer(peer));
    }
    if (const auto faults = root.find("rpc_faults")) {
      for (const auto& fault : faults->elements()) setup.rpc_faults.push_back(rpc_fault(fault));
    }
    setup.broadcast = one_of<Broadcast>(root, "broadcast", Broadcast::works,
                                        {{"works", Broadcast::works},
                                         {"fails", Broadcast::fails},
                                         {"refused", Broadcast::refused},
                                         {"hides-success", Broadcast::hides_success},
                                         {"never-answers", Broadcast::never_answers}});
    return setup;
  }

 private:
  template <class T>
  using Names = std::vector<std::pair<std::string_view, T>>;

  std::vector<CoinSetup> coins(const json::Value& wallet) {
    std::vector<CoinSetup> coins;
    const auto list = wallet.find("coins");
    if (!list) return {CoinSetup{}};
    for (const auto& element : list->elements()) {
      CoinSetup coin;
      coin.amount = {number(element, "sat", coin.amount.value)};
      coin.confirmed = flag(element, "confirmed", true);
      coin.reserved_by_others = static_cast<std::uint32_t>(number(element, "reserved_by_others", 0));
      coins.push_back(coin);
    }
    return coins;
  }

  PeerSetup read_peer(const json::Value& value) {
    PeerSetup peer;
    peer.name = text(value, "name", "");
    if (peer.name.empty()) fail(value, "a peer needs a name");
    const auto delay = static_cast<double>(number(value, "delay_ms", 1)) * delay_scale_;
    peer.delay = spark::Duration(static_cast<std::int64_t>(delay));
    peer.connected = flag(value, "connected", false);
    peer.address_known = flag(value, "address_known", true);
    peer.features = text(value, "features", peer.features);
    peer.kind = one_of<PeerKind>(
        value, "kind", peer.kind,
        {{"cln", PeerKind::cln}, {"lnd", PeerKind::lnd}, {"eclair", PeerKind::eclair}, {"ldk", PeerKind::ldk}});
    if (const auto one = value.find("fault")) peer.faults.push_back(fault(*one));
    if (const auto several = value.find("faults")) {
      for (const auto& element : several->elements()) peer.faults.push_back(fault(element));
    }
    if (const auto channels = value.find("channels")) {
      for (const auto& element : channels->elements()) peer.channels.push_back(channel(element));
    }
    return peer;
  }

  Fault fault(const json::Value& value) {
    Fault fault;
    fault.phase = one_of<Phase>(value, "phase", fault.phase,
                                {{"connect", Phase::connect},
                                 {"start", Phase::start},
                                 {"started", Phase::started},
                                 {"complete", Phase::complete},
                                 {"opened", Phase::opened}});
    fault.kind = one_of<Kind>(value, "kind", fault.kind,
                              {{"refuse", Kind::refuse},
                               {"unreachable", Kind::refuse},
                               {"disconnect", Kind::disconnect},
                               {"silent", Kind::silent}});
    fault.once = flag(value, "once", false);
    fault.after = spark::Duration(static_cast<std::int64_t>(number(value, "after_ms", 0)));
    fault.text = text(value, "text", fault.text);
    return fault;
  }

  RpcFault rpc_fault(const json::Value& value) {
    RpcFault fault;
    fault.what = one_of<Mishap>(value, "what", Mishap::refused,
                                {{"refused", Mishap::refused},
                                 {"stuck", Mishap::stuck},
                                 {"held-up", Mishap::held_up},
                                 {"unreadable", Mishap::unreadable},
                                 {"cut", Mishap::cut}});
    fault.method = text(value, "method", "");
    fault.from = number(value, "from", fault.from);
    fault.count = number(value, "count", fault.count);
    fault.delay = spark::Duration(static_cast<std::int64_t>(number(value, "delay_ms", 0)));
    fault.code = code(value, fault.code);
    fault.text = text(value, "text", fault.text);
    return fault;
  }

  ChannelSetup channel(const json::Value& value) {
    ChannelSetup channel;
    channel.state = text(value, "state", channel.state);
    channel.opened_by_us = text(value, "opener", "local") == "local";
    channel.withheld = flag(value, "withheld", false);
    channel.amount = {number(value, "sat", channel.amount.value)};
    return channel;
  }

  template <class T>
  T one_of(const json::Value& value, std::string_view name, T otherwise, const Names<T>& names) {
    const auto member = value.find(name);
    if (!member) return otherwise;
    for (const auto& [word, meaning] : names) {
      if (text(value, name, "") == word) return meaning;
    }
    fail(*member, "unknown word");
    return otherwise;
  }

  std::uint64_t number(const json::Value& value, std::string_view name, std::uint64_t otherwise) {
    if (!value.find(name)) return otherwise;
    const auto number = value.u64(name);
    if (!number) error_ = error_.value_or(number.error());
    return number ? *number : otherwise;
  }

  int code(const json::Value& value, int otherwise) {
    const auto member = value.find("code");
    if (!member) return otherwise;
    const auto code = member->i64();
    if (!code) error_ = error_.value_or(code.error());
    return code ? static_cast<int>(*code) : otherwise;
  }

  bool flag(const json::Value& value, std::string_view name, bool otherwise) {
    if (!value.find(name)) return otherwise;
    const auto flag = value.boolean(name);
    if (!flag) error_ = error_.value_or(flag.error());
    return flag ? *flag : otherwise;
  }

  std::string text(const json::Value& value, std::string_view name, std::string_view otherwise) {
    if (!value.find(name)) return std::string(otherwise);
    const auto text = value.string(name);
    if (!text) error_ = error_.value_or(text.error());
    return std::string(text ? *text : otherwise);
  }

  void fail(const json::Value& value, std::string_view what) {
    if (!error_) error_ = util::Error{-1, util::str(value.path(), ": ", what, ": ", value.excerpt()), ""};
  }

  double delay_scale_;
  std::optional<util::Error> error_;
};

}  // namespace

util::Result<Setup> read_scenario(std::string_view text, double delay_scale) {
  const auto document = json::Document::parse(text, "scenario");
  if (!document) return document.error();
  Reader reader(delay_scale);
  Setup setup = reader.setup(document->root());
  if (reader.error()) return *reader.error();
  return setup;
}

}  // namespace sim
