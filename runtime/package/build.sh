#!/bin/sh
# Build the Debian package from the program in build/deb, with the usual helpers; `make deb` calls this.
# debian/ is copied beside the build, since they want it at the top of a tree.
set -eu
version=$1
top=$PWD
tree=build/deb/package
rm -rf "$tree" build/deb/*.deb
mkdir -p "$tree"
cp -r runtime/package/debian "$tree/debian"
{
    echo "ivory ($version) unstable; urgency=medium"
    echo
    echo "  * Version $version."
    echo
    echo " -- The Ivory authors <maintainers@ivory.invalid>  $(LC_ALL=C date -R -r Makefile)"
} >"$tree/debian/changelog"
cd "$tree"
IVORY_SOURCE=$top dpkg-buildpackage -b -us -uc >../package.log 2>&1 || { tail -n 30 ../package.log; exit 1; }
cd "$top"
ls build/deb/ivory_"$version"_*.deb
