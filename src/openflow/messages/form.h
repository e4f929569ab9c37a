// Which kinds of message a version has, and how long each is: asked before a message is read, so that
// decoders see only kinds that exist, at least as long as their fixed part.
//
// A message that is shorter than its fixed part, or longer by what is no multiple of its step, is refused
// with OFPBRC_BAD_LEN; a kind that the version lacks with BAD_TYPE, BAD_STAT, BAD_VENDOR or BAD_SUBTYPE.  The
// fixed parts are those of the OpenFlow specifications (1.0.2 to 1.5.1, chapter "The OpenFlow Protocol") and
// of the extensions that ovs-ofctl(8) names.

#pragma once

#include "openflow/error.h"
#include "openflow/messages/codec.h"

namespace weft::openflow::messages {

// Extensions that only some of the decoders know.
enum : uint32_t {
    kNxSetAsync2 = 27,       // NXT_SET_ASYNC_CONFIG2
    kOnfFlowMonitor = 1870,  // of statistics; of messages, the cancellation
    kOnfMonitorCancel = 1870,
    kOnfMonitorPaused = 1871,
    kOnfMonitorResumed = 1872,
};

// Messages that only switches send: nobody may send them to one.
bool is_from_switch(uint8_t type, ByteView body);

// Messages that change the switch, or may: a secondary controller may not send them, whatever they say.
bool is_for_primary(uint8_t type, ByteView body);

// `type`: in OpenFlow 1.1's numbers.  `body`: after the 8 bytes of the header.
OfError check_form(Version version, uint8_t type, ByteView body);

}  // namespace weft::openflow::messages
