// Frames offered to a device as if they came off its wire, at a cost that is small beside a switch's: the kernel makes them itself, by an XDP
// program's test run on live frames (Linux 5.18), so there is no sender's socket, no sender's stack and no copy.
//   offer DEVICE TO SECONDS SOURCES [apart]  UDP datagrams of 18 bytes of payload (frames of 60) to the MAC address TO, in turn from SOURCES
//                                            addresses (a power of two, 16 at most); prints how many were offered and in how many seconds.
//                                            They must not be fragmented, as sockets send them; with apart they may, all with one
//                                            identification, so that no one can join them to a super-packet that would be cut to the same
//   offer teach DEVICE FROM                  one frame from the MAC address FROM out of DEVICE, so that the switch behind it learns where that is
// A device whose MAC address is another one than TO drops what it is given at once: its counters say what a switch forwarded, and there is no
// receiver's stack either.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kFrame = 60, kIp = 14, kUdp = kIp + 20, kSource = kIp + 15, kIpChecksum = kIp + 10, kUdpChecksum = kUdp + 6, kFirstSource = 100, kMostSources = 16 };
enum { kBatch = 64 };  // frames that the kernel hands over together

static int bpf(int command, union bpf_attr* attributes) { return syscall(SYS_bpf, command, attributes, sizeof *attributes); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void put16(uint8_t* at, unsigned value) { at[0] = value >> 8, at[1] = value; }
static unsigned get16(const uint8_t* at) { return at[0] << 8 | at[1]; }

static unsigned sum_of(const uint8_t* at, size_t size, unsigned sum) {  // RFC 1071
    for (size_t i = 0; i < size; i += 2) sum += get16(at + i);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

// The datagram of the first source, with checksums from which 15 can be taken without a borrow: a source later by n has n less.
static void make_frame(uint8_t* f, const uint8_t* to, int apart) {
    static const uint8_t from[6] = {2, 0, 0, 0, 0, 0xaa}, addresses[8] = {10, 7, 0, kFirstSource, 10, 7, 0, 250};
    memcpy(f, to, 6), memcpy(f + 6, from, 6);
    put16(f + 12, 0x0800);
    f[kIp] = 0x45, f[kIp + 6] = apart ? 0 : 0x40, f[kIp + 8] = 64, f[kIp + 9] = IPPROTO_UDP;
    put16(f + kIp + 2, kFrame - kIp);
    memcpy(f + kIp + 12, addresses, sizeof addresses);
    put16(f + kUdp, 9000), put16(f + kUdp + 2, 9001), put16(f + kUdp + 4, kFrame - kUdp);
    put16(f + kIpChecksum, ~sum_of(f + kIp, 20, 0));
    put16(f + kUdpChecksum, ~sum_of(f + kUdp, kFrame - kUdp, sum_of(f + kIp + 12, 8, IPPROTO_UDP + kFrame - kUdp)));
}

#define INSN(c, d, s, o, i) ((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

// Writes the next source into the frame, and its checksums, and lets the frame in.
static int load(int map, unsigned sources, const uint8_t* f) {
    struct bpf_insn code[] = {
        INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(struct xdp_md, data), 0),
        INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 1, offsetof(struct xdp_md, data_end), 0),
        INSN(BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0),
        INSN(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, kFrame),
        INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_DROP),
        INSN(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 16, 0),
        INSN(BPF_LD | BPF_DW | BPF_IMM, 6, BPF_PSEUDO_MAP_VALUE, 0, map),
        INSN(0, 0, 0, 0, 0),
        INSN(BPF_LDX | BPF_MEM | BPF_W, 5, 6, 0, 0),
        INSN(BPF_ALU64 | BPF_MOV | BPF_X, 7, 5, 0, 0),
        INSN(BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, 1),
        INSN(BPF_STX | BPF_MEM | BPF_W, 6, 7, 0, 0),
        INSN(BPF_ALU64 | BPF_AND | BPF_K, 5, 0, 0, sources - 1),
        INSN(BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, get16(f + kIpChecksum)),
        INSN(BPF_ALU64 | BPF_MOV | BPF_K, 8, 0, 0, get16(f + kUdpChecksum)),
        INSN(BPF_ALU64 | BPF_SUB | BPF_X, 7, 5, 0, 0),
        INSN(BPF_ALU64 | BPF_SUB | BPF_X, 8, 5, 0, 0),
        INSN(BPF_ALU | BPF_END | BPF_TO_BE, 7, 0, 0, 16),
        INSN(BPF_ALU | BPF_END | BPF_TO_BE, 8, 0, 0, 16),
        INSN(BPF_STX | BPF_MEM | BPF_H, 2, 7, kIpChecksum, 0),
        INSN(BPF_STX | BPF_MEM | BPF_H, 2, 8, kUdpChecksum, 0),
        INSN(BPF_ALU64 | BPF_ADD | BPF_K, 5, 0, 0, kFirstSource),
        INSN(BPF_STX | BPF_MEM | BPF_B, 2, 5, kSource, 0),
        INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
        INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    code[5].off = sizeof code / sizeof *code - 1 - 6;  // to the end
    union bpf_attr attributes = {.prog_type = BPF_PROG_TYPE_XDP, .insns = (uint64_t)code, .insn_cnt = sizeof code / sizeof *code, .license = (uint64_t) "Dual BSD/GPL"};
    return bpf(BPF_PROG_LOAD, &attributes);
}

static void at_end(int signal) { (void)signal; }  // ends the test run

// One test run for all of the time: each one waits for the kernel at its start, in which a switch would get its breath back.
static int offer(const char* device, const uint8_t* to, double seconds, unsigned sources, int apart) {
    uint8_t frame[kFrame] = {0};
    make_frame(frame, to, apart);
    if (get16(frame + kIpChecksum) < kMostSources || get16(frame + kUdpChecksum) < kMostSources) return fprintf(stderr, "choose another address\n"), 1;
    union bpf_attr count = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    int map = bpf(BPF_MAP_CREATE, &count), program = map < 0 ? -1 : load(map, sources, frame);
    if (program < 0) return perror("a BPF program"), 1;
    struct xdp_md context = {.data_end = kFrame, .ingress_ifindex = if_nametoindex(device)};
    union bpf_attr run = {.test = {.prog_fd = program, .data_in = (uint64_t)frame, .data_size_in = kFrame, .ctx_in = (uint64_t)&context, .ctx_size_in = sizeof context,
                                   .repeat = INT32_MAX, .batch_size = kBatch, .flags = BPF_F_TEST_XDP_LIVE_FRAMES}};
    struct itimerval end = {.it_value = {.tv_sec = (long)seconds, .tv_usec = (long)(seconds * 1e6) % 1000000}};
    signal(SIGALRM, at_end);
    setitimer(ITIMER_REAL, &end, 0);
    double start = now();
    if (!bpf(BPF_PROG_TEST_RUN, &run) || errno != EINTR) return perror("a test run"), 1;
    double took = now() - start;
    uint32_t first = 0, offered = 0;
    union bpf_attr look = {.map_fd = map, .key = (uint64_t)&first, .value = (uint64_t)&offered};
    if (bpf(BPF_MAP_LOOKUP_ELEM, &look)) return perror("the count"), 1;
    printf("%u %.6f\n", offered, took);
    return 0;
}

static int teach(const char* device, const uint8_t* from) {
    uint8_t frame[kFrame] = {[0 ... 5] = 0xff};
    memcpy(frame + 6, from, 6);
    put16(frame + 12, 0x88b5);  // local experimental
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device)};
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    return sendto(fd, frame, sizeof frame, 0, (void*)&at, sizeof at) == sizeof frame ? 0 : (perror(device), 1);
}

static int mac_of(const char* text, uint8_t* mac) {
    return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) == 6;
}

int main(int argc, char** argv) {
    uint8_t mac[6];
    if (argc == 4 && !strcmp(argv[1], "teach") && mac_of(argv[3], mac)) return teach(argv[2], mac);
    int apart = argc == 6 && !strcmp(argv[5], "apart");
    unsigned sources = argc == 5 || apart ? atoi(argv[4]) : 0;
    if (!sources || sources > kMostSources || sources & (sources - 1) || !mac_of(argv[2], mac)) return 2;
    return offer(argv[1], mac, atof(argv[3]), sources, apart);
}
