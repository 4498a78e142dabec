# make            build/ivory
# make run        install what is missing, build, serve with the exchange and the example flows
# make test       install what is missing, build, run everything, end with one line "N passed, N failed"
# make test-crash  flow tests with a crash at every journal entry, and with every call built anew after every event
# make asan       unit, flow and black-box tests under the address and undefined-behaviour sanitizers
# make tsan       black-box tests with four workers under the thread sanitizer; BLACKBOX="crash workers" picks some
# make fuzz       each fuzz target for FUZZ_SECONDS (20), two at a time
# make bench      calls a second, CPU, times and memory, beside bots in C, in nginx with LuaJIT and in Node.js; a few minutes
# make soak        SOAK_MINUTES (20) of calls, faults, hang-ups, reloads and attacks; what grew, what was lost
# make bench-attack  what a call feels of attacks beside it; two minutes
# make bench-journal  how long 5,000 calls take to be taken up after a kill, and what a call takes in the journal
# make lint       layers, formatting, cppcheck, luacheck          make format   put the formatting right
# make prompts    speak the texts of flows/prompts anew
# make install    PREFIX=/usr/local DESTDIR=
# make deb        build/deb/ivory_VERSION_ARCH.deb, a Debian package with the service
VERSION := 0.1.0
V       ?= release
BUILD   := build$(if $(filter-out release,$(V)),/$(V))
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
FUZZ_SECONDS ?= 20
SOAK_MINUTES ?= 20
PKGS    := lua5.4 libcurl libcjson libmicrohttpd gnutls libuv openssl sqlite3

CFLAGS_release := -O2 -g
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g -fsanitize=thread
CFLAGS_deb      = $(shell dpkg-buildflags --get CPPFLAGS) $(shell dpkg-buildflags --get CFLAGS)
CFLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
CFLAGS  := -std=c11 -D_GNU_SOURCE -DIVORY_VERSION='"$(VERSION)"' $(CFLAGS_$(V)) -Wall -Wextra -Wshadow \
           -Wstrict-prototypes -Wvla -Werror -MMD -MP
CPPFLAGS = -Iruntime -I. $(shell pkg-config --cflags $(PKGS))
LDLIBS   = $(shell pkg-config --libs $(PKGS)) -lpthread -lm
LDFLAGS  = $(subst fuzzer-no-link,fuzzer,$(filter -fsanitize%,$(CFLAGS_$(V)))) $(LDFLAGS_$(V))
LDFLAGS_deb = $(shell dpkg-buildflags --get LDFLAGS) -Wl,-z,now

LIB_SRC  := $(wildcard runtime/*/*.c bindings/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/stdlib.o
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_OBJ := $(UNIT_SRC:%.c=$(BUILD)/obj/%.o)
FUZZ     := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
STDLIB   := $(sort $(shell find stdlib -name '*.lua' -not -path 'stdlib/meta/*'))
C_FILES  := $(LIB_SRC) $(UNIT_SRC) runtime/main.c $(wildcard runtime/*/*.h bindings/*.h tests/unit/*.h tests/fuzz/*.c tests/bench/*.[ch])
LUA_FILES := $(shell find flows stdlib tests -name '*.lua')

.PHONY: FORCE all run test test-built test-crash asan tsan fuzz fuzz-run bench bench-attack bench-journal soak lint format prompts install uninstall clean setup-run setup-test setup-deb deb
.DELETE_ON_ERROR:
all: $(BUILD)/ivory

$(BUILD)/ivory: $(BUILD)/obj/runtime/main.o $(LIB_OBJ)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/unit: $(UNIT_OBJ) $(LIB_OBJ)
	$(CC) $(LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup -o $@ $^ $(LDLIBS)

$(BUILD)/obj/tests/unit/modules.inc: $(UNIT_SRC)
	@mkdir -p $(@D)
	@printf 'X(%s)\n' $(patsubst tests/unit/test_%.c,%,$(filter tests/unit/test_%,$(sort $(UNIT_SRC)))) > $@
$(BUILD)/obj/tests/unit/main.o: CPPFLAGS += -I$(BUILD)/obj/tests/unit
$(BUILD)/obj/tests/unit/main.o: $(BUILD)/obj/tests/unit/modules.inc

$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(LIB_OBJ)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Figures for docs/performance.md.
$(BUILD)/parked: $(BUILD)/obj/tests/bench/parked.o $(LIB_OBJ)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/bench-driver: $(addprefix $(BUILD)/obj/tests/bench/,driver.o play.o net.o) $(LIB_OBJ)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/bench-floor: $(addprefix $(BUILD)/obj/tests/bench/,floor.o net.o)
	$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

# What says the version is built anew when that changes.
$(BUILD)/obj/version: FORCE
	@mkdir -p $(@D)
	@echo $(VERSION) | cmp -s - $@ || echo $(VERSION) > $@
$(BUILD)/obj/runtime/main.o $(BUILD)/obj/runtime/host/metrics_table.o: $(BUILD)/obj/version

# The standard library goes into the binary.
$(BUILD)/obj/stdlib.c: $(STDLIB) stdlib/embed.sh
	@mkdir -p $(@D)
	sh stdlib/embed.sh $(STDLIB) > $@
$(BUILD)/obj/stdlib.o: $(BUILD)/obj/stdlib.c
	$(CC) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

# What must be there, as "a test that it is:the Debian package that brings it".
NEED_RUN  := cc:build-essential pkg-config:pkg-config .lua5.4:liblua5.4-dev .libcurl:libcurl4-openssl-dev \
             .libcjson:libcjson-dev .libmicrohttpd:libmicrohttpd-dev .gnutls:libgnutls28-dev .libuv:libuv1-dev .openssl:libssl-dev .sqlite3:libsqlite3-dev
NEED_TEST := $(NEED_RUN) clang:clang clang-format:clang-format cppcheck:cppcheck luacheck:lua-check node:nodejs npm:npm \
             espeak-ng:espeak-ng sox:sox python3:python3 curl:curl openssl:openssl mandoc:mandoc @/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux:libclang-rt-14-dev
NEED_DEB  := $(NEED_RUN) dh:debhelper dpkg-buildpackage:dpkg-dev fakeroot:fakeroot
define install-missing
	@missing=; for need in $(1); do what=$${need%%:*}; package=$${need#*:}; \
	  case $$what in .*) pkg-config --exists "$${what#.}" 2>/dev/null ;; @*) [ -e "$${what#@}" ] ;; *) command -v "$$what" >/dev/null ;; esac \
	  || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  echo "Installing with apt-get:$$missing"; \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	fi
endef
setup-run:
	$(call install-missing,$(NEED_RUN))
setup-deb:
	$(call install-missing,$(NEED_DEB))
setup-test:
	$(call install-missing,$(NEED_TEST))

# pkg-config must be there before the flags are worked out, hence the second make.
run: setup-run
	@echo "Building $(BUILD)/ivory"
	@$(MAKE) --no-print-directory -s all
	@exec $(BUILD)/ivory serve

test: setup-test
	@$(MAKE) --no-print-directory -s -j2 all $(BUILD)/unit
	@sh tests/run.sh $(BUILD)

test-crash: setup-test
	@$(MAKE) --no-print-directory -s -j2 all
	@sh tests/run.sh $(BUILD) replay crash-all

asan: setup-test
	@$(MAKE) --no-print-directory -s -j2 V=asan build/asan/ivory build/asan/unit
	@sh tests/run.sh build/asan
tsan: setup-test
	@$(MAKE) --no-print-directory -s -j2 V=tsan build/tsan/ivory
	@IVORY_WORKERS=4 sh tests/run.sh build/tsan blackbox

fuzz: setup-test
	@$(MAKE) --no-print-directory -s -j2 V=fuzz CC=clang fuzz-run
fuzz-run: $(FUZZ)
	@printf '%s\n' $(FUZZ) | xargs -P 2 -I {} sh tests/fuzz/run.sh {} $(FUZZ_SECONDS)

bench: setup-test
	@$(MAKE) --no-print-directory -s -j2 all $(BUILD)/bench-driver $(BUILD)/bench-floor
	@mkdir -p $(BUILD)/node-bench && cp tests/bench/package.json $(BUILD)/node-bench/
	@[ -d $(BUILD)/node-bench/node_modules/undici ] || npm install --prefix $(BUILD)/node-bench --no-audit --no-fund --no-package-lock --loglevel=error
	@python3 tests/bench/run.py $(BUILD)
bench-journal: setup-test
	@$(MAKE) --no-print-directory -s -j2 all
	@python3 tests/bench/journal.py $(BUILD)
bench-attack: setup-test
	@$(MAKE) --no-print-directory -s -j2 all
	@python3 tests/bench/attack.py $(BUILD)

soak: setup-test
	@$(MAKE) --no-print-directory -s -j2 all
	@python3 tests/bench/soak.py $(BUILD) --minutes $(SOAK_MINUTES)

lint: setup-test
	@sh tests/lint/layers.sh
	@clang-format --dry-run -Werror $(C_FILES)
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	  --include=tests/lint/cppcheck.h --suppressions-list=tests/lint/cppcheck.txt -j2 -Iruntime -I. runtime bindings
	@luacheck --quiet $(LUA_FILES)
	@sh tests/lint/style.sh
	@mandoc -T lint -W warning docs/man/ivory.1 && sed /^@KEYS@/d docs/man/ivory.conf.5.in | mandoc -T lint -W warning
	@echo lint: good

format:
	clang-format -i $(C_FILES)

prompts:
	$(call install-missing,espeak-ng:espeak-ng sox:sox)
	sh flows/prompts/speak.sh flows/prompts

# The manual has the keys of the configuration from their table.
$(BUILD)/ivory.conf.5: docs/man/ivory.conf.5.in $(BUILD)/ivory
	$(BUILD)/ivory keys --manual | sed -e '/^@KEYS@/{r /dev/stdin' -e 'd}' docs/man/ivory.conf.5.in > $@

install: all $(BUILD)/ivory.conf.5
	install -D -m 755 $(BUILD)/ivory $(DESTDIR)$(PREFIX)/bin/ivory
	install -D -m 644 docs/man/ivory.1 $(DESTDIR)$(PREFIX)/share/man/man1/ivory.1
	install -D -m 644 $(BUILD)/ivory.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/ivory.conf.5
	cd flows && find . -type f -not -name '*_test.lua' -not -name '*.sh' -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/ivory/flows/{} \;
	cd stdlib/meta && find . -name '*.lua' -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/ivory/meta/{} \;
uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/bin/ivory $(DESTDIR)$(PREFIX)/share/ivory
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/ivory.1 $(DESTDIR)$(PREFIX)/share/man/man5/ivory.conf.5

# A package for the Debian that this machine runs.
deb: setup-deb
	@$(MAKE) --no-print-directory -s -j2 V=deb all
	@sh runtime/package/build.sh $(VERSION)

clean:
	rm -rf build

-include $(wildcard $(BUILD)/obj/tests/bench/*.d) $(LIB_OBJ:.o=.d) $(UNIT_OBJ:.o=.d) $(BUILD)/obj/runtime/main.d $(FUZZ:$(BUILD)/%=$(BUILD)/obj/tests/fuzz/%.d)
