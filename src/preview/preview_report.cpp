#include "preview/preview_report.hpp"

#include <algorithm>

#include "checks/cautions.hpp"
#include "funding/fee_bounds.hpp"
#include "json/writer.hpp"
#include "lightningd/features.hpp"
#include "peers/pending_limit.hpp"
#include "report/cause.hpp"
#include "report/details.hpp"
#include "util/str.hpp"

namespace preview {

using bitcoin::to_msat;
using json::Writer;
using util::str;

namespace {

bool is_v2(const peers::NodeFacts& node, const lightningd::Features& peer) {
  return node.features.offers(lightningd::feature::dual_fund) && peer.offers(lightningd::feature::dual_fund);
}

/// Why the amount does not fit, as far as that is known beforehand.
std::optional<std::string> misfit(const PreviewFindings& findings, const PreviewedPeer& peer) {
  const auto most = wallet::most_for(findings.node.features, peer.features.value_or(findings.node.features));
  if (peer.amount > most) return str("more than ", most.value, " sat needs large channels on both sides");
  const auto least = findings.limits.min_capacity;
  if (least && peer.amount < *least) return str("less than our min-capacity-sat, ", least->value, " sat");
  if (peer.destination->push > to_msat(peer.amount)) {
    return str("push_msat is more than the amount of ", peer.amount.value, " sat");
  }
  const auto kind = funding::kind_of(*peer.destination, findings.node.features, peer.features);
  const auto fits = findings.commitment.check(*peer.destination, peer.amount, kind);
  return fits ? std::nullopt : std::optional(fits.error().message);
}

void write_failure(Writer& out, const report::PeerFailure& failure) {
  const auto& [method, error] = failure;
  out.key("error").object().field("code", error.code).field("message", error.message).end();
  out.field("cause", name_of(report::cause_of(name_of(method), error)));
}

void write_answer(Writer& out, const request::Destination& destination, const Inquiry::Answer& answer) {
  if (answer.asked()) out.field("accepts", !answer.failure);
  if (answer.failure) return write_failure(out, *answer.failure);
  if (!answer.terms.channel_type.empty()) out.raw_field("channel_type", answer.terms.channel_type);
  if (answer.terms.close_to) out.field("close_to", *answer.terms.close_to);
  if (destination.close_to && !answer.terms.close_to) out.field("close_to_refused", *destination.close_to);
}

void write_peer(Writer& out, const PreviewFindings& findings, const PreviewedPeer& peer) {
  const auto& destination = *peer.destination;
  out.object().field("id", destination.id.hex()).field("amount_msat", to_msat(peer.amount).value);
  if (destination.share) out.field("share", destination.share->text);
  out.field("announce", destination.announce).field("reachable", peer.features.has_value());
  if (peer.features) {
    out.field("features", peer.features->hex());
    out.field("protocol", is_v2(findings.node, *peer.features) ? "v2" : "v1");
  }
  if (peer.failure) write_failure(out, *peer.failure);
  if (const auto answer = findings.answers.find(destination.index); answer != findings.answers.end()) {
    write_answer(out, destination, answer->second);
  }
  const auto why_not = misfit(findings, peer);
  out.field("fits", !why_not);
  if (why_not) out.field("misfit", *why_not);
  out.end();
}

void write_payments(Writer& out, const PreviewFindings& findings) {
  if (findings.payments.empty()) return;
  out.key("outputs").array();
  for (const auto& [payment, amount] : findings.payments) {
    out.object().field("address", payment->address).field("amount_msat", to_msat(amount).value);
    if (payment->share) out.field("share", payment->share->text);
    if (!payment->label.empty()) out.field("label", payment->label);
    out.end();
  }
  out.end();
}

using Lines = std::vector<std::string>;

void warn_of_feerate(const PreviewFindings& findings, Lines& warnings) {
  funding::FeeBounds bounds;
  if (findings.feerates) bounds.floor = findings.feerates->floor;
  if (const auto fits = bounds.check(findings.cost); !fits) {
    warnings.push_back(fits.error().message + ": the batch would fail");
    return;
  }
  if (!findings.feerates) return;
  const auto feerate = findings.cost.feerate;
  const auto least = findings.feerates->min_acceptable;
  if (feerate < least) {
    warnings.push_back(str("feerate: ", feerate.value, " perkw is below half of lightningd's lowest estimate (",
                           least.value, " perkw): it may take very long to confirm"));
  }
}

void warn_of_coins(const PreviewFindings& findings, Lines& warnings) {
  warnings.insert(warnings.end(), findings.coin_warnings.begin(), findings.coin_warnings.end());
  if (findings.left_out.empty()) return;
  bitcoin::Sat sum;
  for (const auto& coin : findings.left_out) sum = sum + coin.amount;
  warnings.push_back(str("amount: ", findings.left_out.size(), " coins of ", sum.value,
                         " sat together would cost more than they bring at ", findings.cost.feerate.value,
                         " perkw, and are left out"));
}

void warn_of_cautions(const PreviewFindings& findings, Lines& warnings) {
  const auto add = [&warnings](const std::optional<std::string>& caution) {
    if (caution) warnings.push_back(*caution);
  };
  const auto& ours = findings.node.features;
  std::size_t anchors = 0;
  for (const auto& peer : findings.peers) {
    if (!peer.features) continue;
    if (funding::kind_of(*peer.destination, ours, peer.features) == funding::Commitment::Kind::anchors) ++anchors;
    add(checks::caution_of_close_to(*peer.destination, ours, *peer.features));
  }
  add(checks::caution_of_feerate(findings.request, findings.feerate));
  add(checks::caution_of_commitment_feerate(findings.request, anchors));
}

void warn_of_peers(const PreviewFindings& findings, Lines& warnings) {
  const auto& peers = findings.peers;
  const auto count = [&peers](auto wanted) {
    return static_cast<std::size_t>(std::count_if(peers.begin(), peers.end(), wanted));
  };
  const auto reachable = count([](const auto& peer) { return peer.features.has_value(); });
  if (reachable < peers.size()) {
    warnings.push_back(str(peers.size() - reachable, " of ", peers.size(),
                           " peers cannot be reached now; all is worked out as if they could"));
  }
  if (reachable < findings.request.minchannels) {
    warnings.push_back(str("minchannels: ", findings.request.minchannels, " channels are asked for, and ", reachable,
                           " peers can be reached: the batch would fail"));
  }
  const auto refused = std::count_if(findings.answers.begin(), findings.answers.end(),
                                     [](const auto& answer) { return answer.second.asked() && answer.second.failure; });
  const auto not_asked = std::count_if(findings.answers.begin(), findings.answers.end(),
                                       [](const auto& answer) { return !answer.second.asked(); });
  if (not_asked > 0) warnings.push_back(str(not_asked, " of ", findings.answers.size(), " peers could not be asked"));
  if (refused > 0) {
    const auto left = findings.answers.size() - static_cast<std::size_t>(refused);
    warnings.push_back(
        str(refused, " of ", findings.answers.size(), " peers that were asked would not open the channel"));
    if (left < findings.request.minchannels) warnings.back() += ": the batch would fail";
  }
  const auto announced = count([](const auto& peer) { return peer.destination->announce; });
  if (announced > 0 && announced < peers.size()) {
    warnings.push_back(
        "announce: announced and private channels in one transaction: whoever sees the announced ones can tell the "
        "private ones");
  }
  for (const auto& peer : peers) {
    const auto where = str("destinations[", peer.destination->index, "]: ");
    if (const auto why_not = misfit(findings, peer)) warnings.push_back(where + *why_not);
    if (peer.told != nullptr) warnings.push_back(peers::caution_of_told(*peer.destination, *peer.told));
    if (peer.features && is_v2(findings.node, *peer.features)) {
      warnings.push_back(where + "it would be a v2 channel (dual funding), which this plugin does not open yet");
    }
  }
}

Lines warnings_of(const PreviewFindings& findings) {
  Lines warnings;
  if (!findings.sync_warning.empty()) warnings.push_back(findings.sync_warning);
  if (const auto fits = findings.request.cap.check(findings.cost); !fits) {
    warnings.push_back(fits.error().message + ": the batch would fail");
  }
  warn_of_feerate(findings, warnings);
  warn_of_coins(findings, warnings);
  warn_of_cautions(findings, warnings);
  warn_of_peers(findings, warnings);
  return warnings;
}

}  // namespace

std::string preview_json(const PreviewFindings& findings) {
  Writer out;
  out.object().field("dryrun", true);
  out.key("inputs").array();
  for (const auto& [outpoint, amount] : findings.inputs) {
    out.object().field("outpoint", outpoint.str()).field("amount_msat", to_msat(amount).value).end();
  }
  out.end();
  report::write_left_out(out, findings.left_out);
  report::write_cost(out, findings.cost);
  if (findings.cost.change.value > 0) {
    out.key("change").object().field("amount_msat", to_msat(findings.cost.change).value).end();
  }
  if (findings.anchors && findings.limits.emergency) {
    out.field("emergency_reserve_msat", to_msat(*findings.limits.emergency).value);
  }
  out.key("destinations").array();
  for (const auto& peer : findings.peers) write_peer(out, findings, peer);
  out.end();
  write_payments(out, findings);
  out.list("warnings", warnings_of(findings));
  return out.end().take();
}

}  // namespace preview
