// What the action families share: the frames of Nicira's and the standard actions, and the contexts of
// encoding, decoding and parsing.  Internal to openflow/actions and action.cc.
//
// Each family's .cc has for its structs  encode(action, EncodeContext&),  format(action, names, out),  and
// adds to the tables of decoders (by Nicira subtype) and parsers (by name).

#pragma once

#include <string>
#include <string_view>

#include "openflow/action.h"
#include "openflow/names.h"
#include "openflow/text.h"

namespace weft::openflow::actions {

inline constexpr uint16_t kExperimenter = 0xffff;
inline constexpr int kMaxDepth = 64;  // of nested action lists

struct EncodeContext {
    Version version;
    ByteWriter& out;
};
// Returns where the action starts; end() pads it to 8 bytes and writes its length.
size_t begin(EncodeContext& c, uint16_t type);
size_t begin_nicira(EncodeContext& c, uint16_t subtype);
void end(EncodeContext& c, size_t start);
uint16_t ofs_nbits(const Subfield& s);
void encode_field_header(EncodeContext& c, FieldId id, bool nxm = true);

struct DecodeContext {
    Version version;
    const TunnelTable* tunnel_table;
    int depth;
    ActionList& out;
};
// `body`: what follows the subtype (Nicira) or the length (standard), to the action's end.
using Decoder = OfError (*)(ByteReader& body, DecodeContext& c);
// A 4- or 8-byte field header whose field must be known, and mapped if it is an option of tunnels.
OfError decode_field(ByteReader& in, const DecodeContext& c, FieldId& id);
OfError decode_subfield(ByteReader& in, const DecodeContext& c, uint16_t ofs_nbits, Subfield& out);
// True of other fields, and if the switch's table is not known.
bool option_is_mapped(const Field& field, const DecodeContext& c);
bool option_has(const Subfield& s, const DecodeContext& c);  // so many bits
OfError decode_list(ByteView bytes, DecodeContext& c, ActionList& out);
bool all_zeros(ByteView bytes);

struct ParseContext {
    const Names* names;
    ActionList& out;
    int depth;
    bool instructions;
};
using Parser = Result<void> (*)(std::string_view argument, ParseContext& c);
Result<void> parse_list(std::string_view text, ParseContext& c);

struct NamedParser {
    const char* name;
    Parser parse;
};
struct NumberedDecoder {
    uint16_t subtype;
    Decoder decode;
};

// The families' tables, ended by an entry of nulls.
extern const NamedParser kOutputParsers[], kHeaderParsers[], kControlParsers[], kHashingParsers[],
    kConntrackParsers[], kLearnParsers[];
extern const NumberedDecoder kOutputDecoders[], kHeaderDecoders[], kControlDecoders[], kHashingDecoders[],
    kConntrackDecoders[], kLearnDecoders[];
// Standard actions of OpenFlow 1.0 and of 1.1+, by type; false if there is no such type.
bool decode_standard10(uint16_t type, ByteReader& body, DecodeContext& c, OfError& error);
bool decode_standard11(uint16_t type, ByteReader& body, DecodeContext& c, OfError& error);
bool decode_header10(uint16_t type, ByteReader& body, DecodeContext& c, OfError& error);
bool decode_header11(uint16_t type, ByteReader& body, DecodeContext& c, OfError& error);

// Argument helpers, with ovs-ofctl's messages.
Result<uint64_t> parse_number(std::string_view text, uint64_t max, const char* what);
Result<uint32_t> parse_u32(std::string_view text);  // "invalid numeric format foo"
Result<std::pair<std::string_view, std::string_view>> split_arrow(std::string_view text);

#define WEFT_ACTION_CODEC(Type)                        \
    void encode(const Type& action, EncodeContext& c); \
    void format(const Type& action, const Names* names, std::string& out)
WEFT_ACTION_CODEC(Output);
WEFT_ACTION_CODEC(OutputReg);
WEFT_ACTION_CODEC(OutputTrunc);
WEFT_ACTION_CODEC(Boxed<Controller>);
WEFT_ACTION_CODEC(Enqueue);
WEFT_ACTION_CODEC(Group);
WEFT_ACTION_CODEC(SetQueue);
WEFT_ACTION_CODEC(PopQueue);
WEFT_ACTION_CODEC(Meter);
WEFT_ACTION_CODEC(SetField);
WEFT_ACTION_CODEC(RegMove);
WEFT_ACTION_CODEC(StackPush);
WEFT_ACTION_CODEC(StackPop);
WEFT_ACTION_CODEC(SetVlanVid);
WEFT_ACTION_CODEC(SetVlanPcp);
WEFT_ACTION_CODEC(StripVlan);
WEFT_ACTION_CODEC(PushVlan);
WEFT_ACTION_CODEC(SetEthSrc);
WEFT_ACTION_CODEC(SetEthDst);
WEFT_ACTION_CODEC(SetIpSrc);
WEFT_ACTION_CODEC(SetIpDst);
WEFT_ACTION_CODEC(SetIpDscp);
WEFT_ACTION_CODEC(SetIpEcn);
WEFT_ACTION_CODEC(SetIpTtl);
WEFT_ACTION_CODEC(SetL4Src);
WEFT_ACTION_CODEC(SetL4Dst);
WEFT_ACTION_CODEC(SetTunnel);
WEFT_ACTION_CODEC(DecTtl);
WEFT_ACTION_CODEC(SetMplsLabel);
WEFT_ACTION_CODEC(SetMplsTc);
WEFT_ACTION_CODEC(SetMplsTtl);
WEFT_ACTION_CODEC(DecMplsTtl);
WEFT_ACTION_CODEC(DecNshTtl);
WEFT_ACTION_CODEC(PushMpls);
WEFT_ACTION_CODEC(PopMpls);
WEFT_ACTION_CODEC(DeleteField);
WEFT_ACTION_CODEC(Encap);
WEFT_ACTION_CODEC(Decap);
WEFT_ACTION_CODEC(Resubmit);
WEFT_ACTION_CODEC(GotoTable);
WEFT_ACTION_CODEC(WriteMetadata);
WEFT_ACTION_CODEC(ClearActions);
WEFT_ACTION_CODEC(WriteActions);
WEFT_ACTION_CODEC(Clone);
WEFT_ACTION_CODEC(Exit);
WEFT_ACTION_CODEC(Note);
WEFT_ACTION_CODEC(Conjunction);
WEFT_ACTION_CODEC(FinTimeout);
WEFT_ACTION_CODEC(Sample);
WEFT_ACTION_CODEC(CheckPktLarger);
WEFT_ACTION_CODEC(Multipath);
WEFT_ACTION_CODEC(Boxed<Bundle>);
WEFT_ACTION_CODEC(Boxed<Learn>);
WEFT_ACTION_CODEC(Boxed<Ct>);
WEFT_ACTION_CODEC(Boxed<Nat>);
WEFT_ACTION_CODEC(CtClear);
#undef WEFT_ACTION_CODEC

}  // namespace weft::openflow::actions
