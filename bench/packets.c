// Small UDP packets as fast as they go, and those that arrive: a sender and a receiver that cost little beside what is between them.
//   packets count PORT                               until none has come for half a second; prints packets, seconds, and how many were out of order
//   packets send ADDRESS PORT SECONDS SIZE [SOURCES] SIZE bytes of payload; in turn from each address of the file SOURCES, one a line
// Each carries its number, of its source; one that arrives with other bytes than were sent ends the count with an error.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kBatch = 64, kMost = 2048, kMostSources = 64, kBuffer = 4 << 20 };

static char space[kBatch][kMost];
static struct iovec parts[kBatch];
static struct mmsghdr messages[kBatch];

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

struct mark {  // the first bytes of each payload
    uint32_t source;
    uint32_t number;
    uint32_t check;
};
static uint32_t check_of(struct mark m) { return (m.source * 31 + m.number) * 2654435761u; }

static int count(int fd) {
    uint64_t packets = 0, disorder = 0, first = 0, last = 0;
    uint32_t latest[kMostSources] = {0};
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (;;) {
        int got = recvmmsg(fd, messages, kBatch, MSG_DONTWAIT, 0);
        if (got <= 0) {
            if (poll(&ready, 1, packets ? 500 : 10000) <= 0) break;
            continue;
        }
        last = now();
        if (!first) first = last;
        packets += got;
        for (int i = 0; i < got; i++) {
            struct mark m;
            memcpy(&m, space[i], sizeof m);
            if (messages[i].msg_len < sizeof m || m.source >= kMostSources || m.check != check_of(m))
                return fprintf(stderr, "a packet of %u bytes is not what was sent\n", messages[i].msg_len), 1;
            if (m.number > latest[m.source])
                latest[m.source] = m.number;
            else
                disorder++;
        }
    }
    printf("%lu %.6f %lu\n", packets, (last - first) / 1e9, disorder);
    return 0;
}

static int send_all(int fd, double seconds, size_t sources, const struct in_addr* from) {
    static char control[kBatch][CMSG_SPACE(sizeof(struct in_pktinfo))];
    uint32_t numbers[kMostSources] = {0};
    size_t source = 0;
    for (uint64_t end = now() + (uint64_t)(seconds * 1e9); now() < end;) {
        for (int i = 0; i < kBatch; i++, source = (source + 1) % sources) {
            struct mark m = {.source = source, .number = ++numbers[source]};
            m.check = check_of(m);
            memcpy(space[i], &m, sizeof m);
            if (!from) continue;
            messages[i].msg_hdr.msg_control = control[i];
            messages[i].msg_hdr.msg_controllen = sizeof control[i];
            struct cmsghdr* c = CMSG_FIRSTHDR(&messages[i].msg_hdr);
            *c = (struct cmsghdr){.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo))};
            struct in_pktinfo info = {.ipi_spec_dst = from[source]};
            memcpy(CMSG_DATA(c), &info, sizeof info);
        }
        if (sendmmsg(fd, messages, kBatch, 0) < 0) return perror("sendmmsg"), 1;
    }
    return 0;
}

int main(int argc, char** argv) {
    int counting = argc == 3 && !strcmp(argv[1], "count"), sending = argc >= 6 && !strcmp(argv[1], "send");
    if (!counting && !sending) return 2;
    size_t size = sending ? (size_t)atoi(argv[5]) : kMost;
    if (size < sizeof(struct mark) || size > kMost) return 2;
    for (int i = 0; i < kBatch; i++) {
        parts[i] = (struct iovec){space[i], size};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0), buffer = kBuffer;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[counting ? 2 : 3]))};
    if (counting) return bind(fd, (void*)&at, sizeof at) ? perror("bind"), 1 : count(fd);
    inet_pton(AF_INET, argv[2], &at.sin_addr);
    if (argc < 7) return connect(fd, (void*)&at, sizeof at) ? perror("connect"), 1 : send_all(fd, atof(argv[4]), 1, 0);
    struct in_addr from[kMostSources];
    size_t sources = 0;
    char line[64];
    FILE* file = fopen(argv[6], "r");
    while (file && sources < kMostSources && fscanf(file, "%63s", line) == 1) sources += inet_pton(AF_INET, line, &from[sources]) == 1;
    if (!sources) return fprintf(stderr, "%s: no addresses\n", argv[6]), 1;
    for (int i = 0; i < kBatch; i++) messages[i].msg_hdr.msg_name = &at, messages[i].msg_hdr.msg_namelen = sizeof at;
    return send_all(fd, atof(argv[4]), sources, from);
}
