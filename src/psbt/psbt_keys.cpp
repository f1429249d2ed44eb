#include "psbt/psbt_keys.hpp"

#include <algorithm>
#include <array>

namespace psbt::psbt_key {

namespace {

constexpr auto any = std::size_t{0};

constexpr std::array global_rules{
    Rule{global_unsigned_tx, "PSBT_GLOBAL_UNSIGNED_TX", Data::none, Versions::only_v0},
    Rule{0x01, "PSBT_GLOBAL_XPUB", Data::extended_public_key},
    Rule{global_tx_version, "PSBT_GLOBAL_TX_VERSION", Data::none, Versions::only_v2, 4},
    Rule{global_fallback_locktime, "PSBT_GLOBAL_FALLBACK_LOCKTIME", Data::none, Versions::only_v2, 4},
    Rule{global_input_count, "PSBT_GLOBAL_INPUT_COUNT", Data::none, Versions::only_v2},
    Rule{global_output_count, "PSBT_GLOBAL_OUTPUT_COUNT", Data::none, Versions::only_v2},
    Rule{global_modifiable, "PSBT_GLOBAL_TX_MODIFIABLE", Data::none, Versions::only_v2, 1},
    Rule{global_version, "PSBT_GLOBAL_VERSION", Data::none, Versions::both, 4},
};

constexpr std::array input_rules{
    Rule{in_non_witness_utxo, "PSBT_IN_NON_WITNESS_UTXO"},
    Rule{in_witness_utxo, "PSBT_IN_WITNESS_UTXO"},
    Rule{0x02, "PSBT_IN_PARTIAL_SIG", Data::public_key},
    Rule{in_sighash_type, "PSBT_IN_SIGHASH_TYPE", Data::none, Versions::both, 4},
    Rule{0x04, "PSBT_IN_REDEEM_SCRIPT"},
    Rule{0x05, "PSBT_IN_WITNESS_SCRIPT"},
    Rule{in_bip32_derivation, "PSBT_IN_BIP32_DERIVATION", Data::public_key},
    Rule{0x07, "PSBT_IN_FINAL_SCRIPTSIG"},
    Rule{0x08, "PSBT_IN_FINAL_SCRIPTWITNESS"},
    Rule{in_previous_txid, "PSBT_IN_PREVIOUS_TXID", Data::none, Versions::only_v2, 32},
    Rule{in_output_index, "PSBT_IN_OUTPUT_INDEX", Data::none, Versions::only_v2, 4},
    Rule{in_sequence, "PSBT_IN_SEQUENCE", Data::none, Versions::only_v2, 4},
    Rule{in_required_time_locktime, "PSBT_IN_REQUIRED_TIME_LOCKTIME", Data::none, Versions::only_v2, 4},
    Rule{in_required_height_locktime, "PSBT_IN_REQUIRED_HEIGHT_LOCKTIME", Data::none, Versions::only_v2, 4},
};

constexpr std::array output_rules{
    Rule{0x00, "PSBT_OUT_REDEEM_SCRIPT"},
    Rule{0x01, "PSBT_OUT_WITNESS_SCRIPT"},
    Rule{0x02, "PSBT_OUT_BIP32_DERIVATION", Data::public_key},
    Rule{out_amount, "PSBT_OUT_AMOUNT", Data::none, Versions::only_v2, 8},
    Rule{out_script, "PSBT_OUT_SCRIPT", Data::none, Versions::only_v2, any},
};

}  // namespace

constinit const Kind global_map{"global map", global_rules};
constinit const Kind input_map{"input", input_rules};
constinit const Kind output_map{"output", output_rules};

bool Rule::allows_data_of(std::size_t size) const {
  switch (data) {
    case Data::none:
      return size == 0;
    case Data::public_key:
      return size == 33 || size == 65;
    case Data::extended_public_key:
      break;
  }
  return size == 78;
}

bool Rule::allowed_in(std::uint32_t psbt_version) const {
  return versions == Versions::both || (versions == Versions::only_v2) == (psbt_version == 2);
}

const Rule* Kind::find(const util::Bytes& key) const {
  if (key.empty()) return nullptr;
  const auto rule = std::find_if(rules.begin(), rules.end(), [&key](const Rule& r) { return r.type == key.front(); });
  return rule == rules.end() ? nullptr : &*rule;
}

}  // namespace psbt::psbt_key
