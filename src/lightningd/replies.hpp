#pragma once

#include <string>
#include <vector>

#include "json/value.hpp"
#include "lightningd/client.hpp"
#include "util/result.hpp"
#include "util/rope.hpp"

/// The `result` of each RPC as a value. Errors name the path of what was wrong; members that a
/// version or a state of lightningd leaves out are no error, and neither are members added later.
namespace lightningd::replies {

[[nodiscard]] util::Result<std::string> usage(const json::Value& result);
[[nodiscard]] util::Result<NodeInfo> node_info(const json::Value& result);
/// Of getlog.
[[nodiscard]] util::Result<std::vector<LogLine>> log_lines(const json::Value& result);
/// Of feerates, in perkw.
[[nodiscard]] util::Result<FeerateLimits> feerate_limits(const json::Value& result);
/// Of listconfigs.
[[nodiscard]] util::Result<NodeLimits> node_limits(const json::Value& result);
[[nodiscard]] util::Result<Connected> connected(const json::Value& result);
[[nodiscard]] util::Result<bool> is_connected(const json::Value& result);
[[nodiscard]] util::Result<bitcoin::Perkw> feerate(const json::Value& result);
[[nodiscard]] util::Result<Funded> funded(const json::Value& result);
/// Leaves out inputs that are not reserved any more.
[[nodiscard]] util::Result<std::vector<Reservation>> reservations(const json::Value& result);
[[nodiscard]] util::Result<Started> started(const json::Value& result);
[[nodiscard]] util::Result<Completed> completed(const json::Value& result);
[[nodiscard]] util::Result<std::vector<PeerChannel>> peer_channels(const json::Value& result);
[[nodiscard]] util::Result<std::vector<WalletOutput>> wallet_outputs(const json::Value& result);
[[nodiscard]] util::Result<util::SharedText> signed_psbt(const json::Value& result);
[[nodiscard]] util::Result<Sent> sent(const json::Value& result);
/// Of txprepare: the transaction's id.
[[nodiscard]] util::Result<bitcoin::Txid> prepared(const json::Value& result);
/// Of newaddr.
[[nodiscard]] util::Result<std::string> p2tr_address(const json::Value& result);
/// Of listaddresses: every address of every key.
[[nodiscard]] util::Result<std::vector<std::string>> addresses(const json::Value& result);
/// Of makesecret. Its errors do not repeat what stood there.
[[nodiscard]] util::Result<util::MacKey> secret(const json::Value& result);
/// Of datastore.
[[nodiscard]] util::Result<std::uint64_t> generation(const json::Value& result);
/// Of listdatastore.
[[nodiscard]] util::Result<std::vector<StoredText>> stored_texts(const json::Value& result);
/// The warnings of setchannel for one channel.
[[nodiscard]] util::Result<std::vector<std::string>> policy_warnings(const json::Value& result);
/// For replies that say nothing we need.
[[nodiscard]] util::Result<void> anything(const json::Value& result);

}  // namespace lightningd::replies
