#pragma once

#include "util/result.hpp"

namespace lightningd {

/// lightningd's error codes (common/jsonrpc_errors.h).
namespace code {
inline constexpr int invalid_request = -32600;
inline constexpr int method_not_found = util::code::unknown_method;
inline constexpr int invalid_params = util::code::invalid_params;
inline constexpr int generic = -1;
inline constexpr int max_exceeded = 300;
inline constexpr int cannot_afford = 301;
inline constexpr int output_is_dust = 302;
inline constexpr int broadcast_fail = 303;
inline constexpr int still_syncing = 304;
inline constexpr int not_connected = 305;
inline constexpr int unknown_peer = 306;
inline constexpr int nothing_to_cancel = 307;
inline constexpr int cancel_unsafe = 308;
inline constexpr int no_good_transaction = 309;
inline constexpr int v2_unsupported = 310;
inline constexpr int emergency_reserve = 313;
inline constexpr int no_such_key = 1200;         ///< of deldatastore
inline constexpr int key_is_there = 1202;        ///< of datastore, which must create it
inline constexpr int nothing_to_replace = 1203;  ///< of datastore, which must replace it
}  // namespace code

/// The wallet has too little, for the payment or beside its emergency reserve.
inline constexpr bool is_shortage(int error) {
  return error == code::cannot_afford || error == code::emergency_reserve;
}

}  // namespace lightningd
