#pragma once

#include <string>

#include "sim/channels.hpp"
#include "sim/connections.hpp"
#include "sim/core.hpp"
#include "sim/datastore.hpp"
#include "sim/feerates.hpp"
#include "sim/intruders.hpp"
#include "sim/openings.hpp"
#include "sim/outsiders.hpp"
#include "sim/secrets.hpp"
#include "sim/sending.hpp"
#include "sim/txprepare.hpp"
#include "sim/wallet_rpc.hpp"

namespace sim {

/// The model of one lightningd with its wallet, its peers and the chain, without plugins. The
/// runtime must outlive it, and nothing of it runs after it is gone only if nothing of the runtime
/// does.
class Node {
 public:
  Node(spark::Runtime& runtime, Setup setup);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] bool has(std::string_view method) const { return core_.methods.has(method); }
  /// An RPC that it has; the reply comes after the delay of the setup, never from inside this call.
  void call(std::string_view method, const json::Value& params, const Filter& filter, Reply reply);

  [[nodiscard]] Core& core() { return core_; }
  [[nodiscard]] const Core& core() const { return core_; }
  [[nodiscard]] Sending& sending() { return sending_; }
  [[nodiscard]] const Txprepare& txprepare() const { return txprepare_; }
  [[nodiscard]] Datastore& datastore() { return datastore_; }
  [[nodiscard]] const Intruders& intruders() const { return intruders_; }
  [[nodiscard]] const Secrets& secrets() const { return secrets_; }
  /// Its node id.
  [[nodiscard]] const std::string& id() const { return id_; }

  /// As kill -9 of lightningd: openings, connections and all it was about to do are gone. What its
  /// database holds stays, and the network goes on.
  void kill();
  /// What was meant to be broadcast is broadcast again, and peers with channels are connected.
  void start();

  void mine(std::uint32_t blocks) { outsiders_.mine(blocks); }
  /// The end of all faults: RPCs and broadcasts work from now on.
  void recover();
  /// A peer is gone for good, with its connection or silently.
  void die(Peer& peer, bool silently) { connections_.die(peer, silently); }
  /// Openings of others that still wait for something end.
  void others_give_up() { outsiders_.give_up(); }

  /// The reply of sim-state. "reserved" counts what nobody needs: not the inputs of what was sent, nor
  /// those that others have reserved.
  [[nodiscard]] std::string state_json() const;

 private:
  void help(Params& params, Reply reply);
  void check(Params& params, Reply reply);
  std::string getinfo();
  [[nodiscard]] std::string configs() const;
  [[nodiscard]] std::string peers_json() const;

  Core core_;
  std::string id_;
  Feerates feerates_;
  WalletRpc wallet_rpc_;
  Txprepare txprepare_;
  Sending sending_;
  Connections connections_;
  Channels channels_;
  Openings openings_;
  Datastore datastore_;
  Secrets secrets_;
  Outsiders outsiders_;
  Intruders intruders_;
};

}  // namespace sim
