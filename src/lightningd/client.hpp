#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "lightningd/channel.hpp"
#include "lightningd/features.hpp"
#include "lightningd/ids.hpp"
#include "lightningd/typed_caller.hpp"
#include "lightningd/wallet_output.hpp"
#include "util/mac_key.hpp"
#include "util/result.hpp"
#include "util/rope.hpp"

namespace lightningd {

struct NodeInfo {
  std::optional<NodeId> id;
  std::string version;
  std::string network;
  std::uint32_t blockheight = 0;
  /// warning_bitcoind_sync or warning_lightningd_sync, whichever is there.
  std::string sync_warning;
};

/// Of lightningd's log.
struct LogLine {
  std::string peer;  ///< the id of the node that it is about, or nothing
  std::string text;
};

/// What feerates has to be compared with.
struct FeerateLimits {
  bitcoin::Perkw floor;           ///< the least that the node's mempool takes and relays
  bitcoin::Perkw min_acceptable;  ///< half of the lowest estimate, or the floor
  /// What the commitment transactions of anchor channels pay, whatever the opening asked for; nothing without an
  /// estimate, and before v24.
  std::optional<bitcoin::Perkw> anchor_commitment{};
};

/// Options of lightningd that bound a channel; nothing for those that its version does not have.
struct NodeLimits {
  std::optional<bitcoin::Sat> emergency;     ///< min-emergency-msat
  std::optional<bitcoin::Sat> min_capacity;  ///< min-capacity-sat
};

struct Connected {
  Features features;
};

/// Parameters shared by fundpsbt and utxopsbt.
struct FundParams {
  bool all = false;  ///< "all" instead of `amount`
  bitcoin::Sat amount;
  std::string feerate;  ///< "<n>perkw" or what the user wrote
  std::uint64_t startweight = 0;
  std::uint32_t reserve_blocks = 0;
  bool opening_anchor_channel = false;
};

struct Reservation {
  bitcoin::Outpoint outpoint;
  std::uint32_t reserved_to_block = 0;
  bool was_reserved = true;  ///< before the call, by anybody
};

struct Funded {
  std::string psbt;  ///< base64, version 0
  bitcoin::Perkw feerate;
  std::uint64_t estimated_final_weight = 0;
  bitcoin::Msat excess;
  std::optional<std::uint32_t> change_outnum;
  std::vector<Reservation> reservations;
};

struct StartParams {
  NodeId id;
  bitcoin::Sat amount;
  std::string feerate;  ///< empty: lightningd's default
  bool announce = true;
  bitcoin::Msat push;
  std::optional<std::string> close_to;
  std::optional<std::uint32_t> mindepth;
  std::optional<bitcoin::Sat> reserve;
  bool has_channel_type = false;
  std::vector<std::uint16_t> channel_type;
};

struct Started {
  std::string funding_address;
  util::Bytes scriptpubkey;
  std::optional<std::string> close_to;  ///< script in hex, when the peer agreed to upfront shutdown
  std::string channel_type;             ///< raw JSON {bits,names}; empty before v24.02
};

struct Completed {
  ChannelId channel_id;
  bool commitments_secured = false;
};

/// An output of txprepare.
struct Placeholder {
  std::string address;
  std::optional<bitcoin::Sat> amount;  ///< nothing: "all", for one of them
};

struct Sent {
  std::string tx;  ///< hex
  bitcoin::Txid txid;
};

/// A name in lightningd's datastore: from the general to the particular.
using DatastoreKey = std::vector<std::string>;

struct StoredText {
  DatastoreKey key;
  std::uint64_t generation = 0;     ///< how often it was replaced
  std::optional<std::string> text;  ///< nothing when it is no UTF-8
};

/// One typed function per RPC of lightningd that we use; a reply that lacks a field or has it in
/// the wrong form is an Error (unreadable_reply, "unexpected reply to <method>: ..."), never a crash.
/// A Client belongs to one command (or to none): its id prefixes the ids of all calls.
/// Cheap to copy; the Caller must outlive it.
class Client {
 public:
  Client(jsonrpc::Caller& caller, std::string origin, std::shared_ptr<CallObserver> observer = nullptr)
      : calls_(caller, std::move(origin), std::move(observer)) {}

  /// For calls that have a place of their own.
  [[nodiscard]] const TypedCaller& calls() const { return calls_; }

  /// The names of a method's parameters, in brackets where they may be left out (help).
  void usage(const std::string& method, Reply<std::string> then) const;
  void getinfo(Reply<NodeInfo> then) const;
  /// What the log holds of the level `info` and above, oldest first (getlog).
  void log(Reply<std::vector<LogLine>> then) const;
  void feerates(Reply<FeerateLimits> then) const;
  /// Of listconfigs.
  void limits(Reply<NodeLimits> then) const;
  /// `address`: "host[:port]", or empty to let lightningd find one. Errors 400, 401, 402.
  void connect(const NodeId& id, const std::string& address, Reply<Connected> then) const;
  /// Whether the peer is connected now (listpeers). Error -32602 for an id that is no point on the
  /// curve, which only lightningd can tell.
  void is_connected(const NodeId& id, Reply<bool> then) const;
  /// Error -1: "Peer not connected"; or "Ping already pending", when it has not answered a ping of anybody's yet, or
  /// has a channel and is not connected. No answer at all, when the connection ends meanwhile.
  void ping(const NodeId& id, Reply<void> then) const;
  /// Feerate text (lightningd's styles) to sat per 1,000 weight. Error 501 without estimates.
  void parsefeerate(const std::string& feerate, Reply<bitcoin::Perkw> then) const;
  /// Errors 301, 304, 313. Always nonwrapped, excess_as_change.
  void fundpsbt(const FundParams& params, std::uint32_t minconf, Reply<Funded> then) const;
  /// Error -32602 for an output that is unknown, spent or (unless reservedok) reserved.
  void utxopsbt(const FundParams& params, const std::vector<bitcoin::Outpoint>& utxos, bool reservedok,
                Reply<Funded> then) const;
  /// Adds `blocks` to the reservation of every input of ours.
  void reserveinputs(const util::SharedText& psbt, bool exclusive, std::uint32_t blocks,
                     Reply<std::vector<Reservation>> then) const;
  /// Subtracts `blocks`; what still is reserved after that comes back with its new height.
  void unreserveinputs(const util::SharedText& psbt, std::uint32_t blocks, Reply<std::vector<Reservation>> then) const;
  /// Makes and keeps a transaction that pays the outputs from exactly these inputs, and reserves them for 72
  /// blocks. Error -32602 for an input that is reserved, spent or unknown; after another error, the reservation may
  /// have been made.
  void txprepare(const std::vector<Placeholder>& outputs, const std::string& feerate,
                 const std::vector<bitcoin::Outpoint>& utxos, Reply<bitcoin::Txid> then) const;
  /// Forgets it and subtracts its 72 blocks. Error -32602 for one that is not kept.
  void txdiscard(const bitcoin::Txid& txid, Reply<void> then) const;
  /// A new address of the wallet, P2TR.
  void newaddr(Reply<std::string> then) const;
  /// Whether the wallet has given out this address, for a payment or for change (listaddresses, since v24.11).
  void is_address_ours(const std::string& address, Reply<bool> then) const;
  /// Error codes: lightningd.md section 5.
  void fundchannel_start(const StartParams& params, Reply<Started> then) const;
  /// What fundchannel_start would say before it asks the peer (lightningd's `check`; up to v23.11 it looks at less).
  void check_start(const StartParams& params, Reply<void> then) const;
  /// What connect would say before it connects.
  void check_connect(const NodeId& id, const std::string& address, Reply<void> then) const;
  /// `withhold` is left out of the request when false (unknown before v25.12).
  void fundchannel_complete(const NodeId& id, const util::SharedText& psbt, bool withhold, Reply<Completed> then) const;
  /// Errors 306, 307, 308. Peer-wide: see the hazard in lightningd.md section 5. May never answer.
  void fundchannel_cancel(const NodeId& id, Reply<void> then) const;
  void disconnect(const NodeId& id, bool force, Reply<void> then) const;
  /// Closes by channel id; for a withheld channel lightningd just forgets it.
  void close(const ChannelId& channel, std::uint32_t unilateraltimeout_seconds, Reply<void> then) const;
  /// Sets the policy of this channel of the peer alone. Gives lightningd's warnings about values that it
  /// has changed to what is possible. Errors: -32602 for a channel that is not there or in another state.
  void setchannel(const NodeId& peer, const ChannelId& channel, const ChannelPolicy& policy,
                  Reply<std::vector<std::string>> then) const;
  /// One peer's channels, or everyone's. An opening in progress has state "OPENINGD".
  void listpeerchannels(const std::optional<NodeId>& peer, Reply<std::vector<PeerChannel>> then) const;
  void listfunds(Reply<std::vector<WalletOutput>> then) const;
  /// Those as well that are spent in a block, which may be all that the wallet ever had.
  void listfunds_with_spent(Reply<std::vector<WalletOutput>> then) const;
  /// The signed PSBT, same version as given.
  void signpsbt(const util::SharedText& psbt, Reply<util::SharedText> then) const;
  /// Give it version 2 (funding-protocol.md 1.4). Error -1 "Error broadcasting..." may hide a success.
  void sendpsbt(const util::SharedText& psbt, std::uint32_t reserve_blocks, Reply<Sent> then) const;
  /// A key that lightningd derives from its own secret for this purpose: the same at each start, and another on each
  /// node. Errors never repeat the answer.
  void makesecret(std::string_view purpose, Reply<util::MacKey> then) const;

  /// A reply means that it is on disk. Gives the generation; error 1202 when the key is there.
  void datastore_create(const DatastoreKey& key, const std::string& text, Reply<std::uint64_t> then) const;
  /// Errors 1203 (no such key) and 1204 (another generation; not asked for when there is none).
  void datastore_replace(const DatastoreKey& key, const std::string& text, std::optional<std::uint64_t> generation,
                         Reply<std::uint64_t> then) const;
  /// The key itself and its children.
  void listdatastore(const DatastoreKey& key, Reply<std::vector<StoredText>> then) const;
  /// The same without generations and texts: others may have written any amount of those.
  void listdatastore_names(const DatastoreKey& key, Reply<std::vector<StoredText>> then) const;
  /// Error 1200 when there is no such key.
  void deldatastore(const DatastoreKey& key, Reply<void> then) const;

 private:
  TypedCaller calls_;
};

}  // namespace lightningd
